"""One DynamoDB table: a client made at first use, errors translated once, what the table leaves undone retried.

The adapters of features, monitoring and releases speak to DynamoDB through this module.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from slipway.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    ClientFactory = Callable[[], DynamoDBClient]

T = TypeVar("T")
Request = dict[str, Any]
Item = dict[str, Any]
"""An item or key as the low-level client has it: ``{"pk": {"S": "patient#p001"}}``."""

READS_PER_CALL = 100  # of BatchGetItem
WRITES_PER_CALL = 25  # of BatchWriteItem
CONNECTIONS = 16
_THROTTLED = frozenset(
    {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "ThrottlingError"}
)


def lazy_client(**options: Any) -> "ClientFactory":
    """A factory that makes the client when first called, and the same one from then on, in whichever thread.

    ``options`` are botocore's (``region_name``, ``endpoint_url``…); by default the environment's.
    """
    made: list[DynamoDBClient] = []
    lock = Lock()

    def client() -> "DynamoDBClient":
        with lock:
            if not made:
                made.append(_new_client(options))
            return made[0]

    return client


def _new_client(options: Mapping[str, Any]) -> "DynamoDBClient":
    # Imported here because it takes longer than all else in a cold start; botocore alone is 40 ms less than boto3.
    import botocore.session  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=1,
        read_timeout=2,
        # One retry is for a connection that died in the pool; throttling is retried here, with longer waits.
        retries={"mode": "standard", "total_max_attempts": 2},
        tcp_keepalive=True,
        max_pool_connections=CONNECTIONS,
        # The requests are made here from checked values; botocore's own check takes a fifth of a read.
        parameter_validation=False,
    )
    client: object = botocore.session.get_session().create_client("dynamodb", config=config, **options)
    return cast("DynamoDBClient", client)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often a throttled or partly answered call is made in all, and the bounds of its random, doubling waits."""

    attempts: int = 6
    first_seconds: float = 0.05
    longest_seconds: float = 1.0


class DynamoTable:
    """A table; ``dependency`` is what `UnavailableError` calls it.

    Every method raises UnavailableError when DynamoDB cannot be reached, refuses the call, or throttles it or leaves
    part of it undone until the attempts are used up.
    """

    def __init__(
        self, name: str, *, dependency: str, client: "ClientFactory | None" = None, backoff: Backoff | None = None
    ) -> None:
        self.name = name
        self.dependency = dependency
        self._client = client or lazy_client()
        self._backoff = backoff or Backoff()

    def batch_get(self, keys: Sequence[Item], *, consistent: bool = False) -> list[Item]:
        """The items that exist under distinct ``keys``, in no order; calls beyond the first 100 keys run beside it."""
        trips = list(_batched(keys, READS_PER_CALL))
        if not trips:
            return []
        others = [self._readers.submit(self._get_trip, trip, consistent=consistent) for trip in trips[1:]]
        items = self._get_trip(trips[0], consistent=consistent)
        for other in others:
            items.extend(other.result())
        return items

    def batch_put(self, items: Sequence[Item]) -> None:
        """Store items whose keys are distinct, whatever is stored under them."""
        for batch in _batched(items, WRITES_PER_CALL):
            self._until_done(self._send_puts, {self.name: [{"PutRequest": {"Item": item}} for item in batch]})

    def put_if(self, item: Item, condition: str, **expression: Any) -> Item | None:
        """Store ``item`` if ``condition`` holds; None if it did, else the item that is stored already.

        ``expression`` are PutItem's ExpressionAttributeNames and ExpressionAttributeValues.
        """
        refused: list[Item] = []

        def send(request: Request) -> None:
            stored = self._put_unless_refused(request)
            if stored is not None:
                refused.append(stored)

        self._until_done(send, {"Item": item, "ConditionExpression": condition, **expression})
        return refused[0] if refused else None

    @cached_property
    def _readers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=4, thread_name_prefix=f"read-{self.name}")

    def _get_trip(self, keys: Sequence[Item], *, consistent: bool) -> list[Item]:
        items: list[Item] = []

        def send(request: Request) -> Request:
            answer = self._client().batch_get_item(RequestItems=request)
            items.extend(answer["Responses"].get(self.name, []))
            return answer.get("UnprocessedKeys", {})

        self._until_done(send, {self.name: {"Keys": keys, "ConsistentRead": consistent}})
        return items

    def _send_puts(self, request: Request) -> Request:
        return self._client().batch_write_item(RequestItems=request).get("UnprocessedItems", {})

    def _put_unless_refused(self, request: Request) -> Item | None:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            self._client().put_item(TableName=self.name, ReturnValuesOnConditionCheckFailure="ALL_OLD", **request)
        except ClientError as error:
            if _code(error) != "ConditionalCheckFailedException":
                raise
            return cast("Item", error.response.get("Item", {}))
        return None

    def _until_done(self, send: Callable[[Request], Request | None], request: Request) -> None:
        """Send ``request``, and then what ``send`` returns as left undone, until nothing is."""
        with self._translated():
            left = _attempt(send, request)
            if left:
                self._retry(send, left)

    def _retry(self, send: Callable[[Request], Request | None], left: Request) -> None:
        import tenacity  # noqa: PLC0415

        limits = self._backoff
        wait = tenacity.wait_random_exponential(multiplier=limits.first_seconds, max=limits.longest_seconds)
        stop = tenacity.stop_after_attempt(limits.attempts)
        retrying = tenacity.Retrying(
            stop=stop, wait=wait, retry=tenacity.retry_if_exception_type(UnavailableError), reraise=True
        )
        for attempt in retrying:
            with attempt:
                if attempt.retry_state.attempt_number > 1:  # the first was made before this method
                    left = _attempt(send, left)
                if left:
                    reason = f"throttled, or part of the call was left undone, in {limits.attempts} attempts"
                    raise UnavailableError(self.dependency, reason)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            yield
        except ClientError as error:
            reason = f"{_code(error)}: {error.response['Error'].get('Message', '')} (table {self.name})"
            raise UnavailableError(self.dependency, reason) from error
        except BotoCoreError as error:  # no connection, a timeout, no credentials, no region
            raise UnavailableError(self.dependency, str(error)) from error


def _attempt(send: Callable[[Request], Request | None], request: Request) -> Request:
    """What is left undone of ``request`` after one try; empty when all is done."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    try:
        return send(request) or {}
    except ClientError as error:
        if _code(error) not in _THROTTLED:
            raise
        return request


def _code(error: Any) -> str:
    return str(error.response["Error"]["Code"])


def _batched(items: Sequence[T], size: int) -> Iterator[list[T]]:
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
