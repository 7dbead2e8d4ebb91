"""One DynamoDB table: creates the client on first use, translates errors and retries unprocessed items.

The adapters of features, monitoring and releases all access DynamoDB through this module.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from slipway.aws.sessions import new_session
from slipway.errors import TriedInVainError, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    ClientFactory = Callable[[], DynamoDBClient]

T = TypeVar("T")
Request = dict[str, Any]
Item = dict[str, Any]
"""An item or key in the low-level client's form: ``{"pk": {"S": "patient#p001"}}``."""

READS_PER_CALL = 100  # of BatchGetItem
WRITES_PER_CALL = 25  # of BatchWriteItem
CONNECTIONS = 16
_REFUSED = "ConditionalCheckFailed"
_CONFLICT = "TransactionConflict"
_TRANSIENT = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
    }
)


def lazy_client(**options: Any) -> "ClientFactory":
    """Return a factory that creates the client on its first call and shares it among all threads.

    ``options`` go to botocore (``region_name``, ``endpoint_url``…), which otherwise reads the environment.
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
    # Imported here because it dominates a cold start.
    import encodings.idna  # noqa: F401 - otherwise the first host name lookup imports it

    from botocore.config import Config

    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 1},  # only `_retry` retries
        tcp_keepalive=True,
        max_pool_connections=CONNECTIONS,
        # This module builds requests from checked values; botocore's own validation takes a fifth of a read.
        parameter_validation=False,
    )
    client: object = new_session().create_client("dynamodb", config=config, **options)
    return cast("DynamoDBClient", client)


@dataclass(frozen=True, slots=True)
class Backoff:
    """The limits of retrying: total attempts, total seconds, and the bounds of the random exponential waits."""

    attempts: int = 6
    seconds: float = 4.0
    first_wait: float = 0.05
    longest_wait: float = 1.0


class _LeftUndone(Exception):
    """All or part of a request was not processed; retrying ``request`` may succeed."""

    def __init__(self, request: Request, reason: str) -> None:
        super().__init__(reason)
        self.request = request


class DynamoTable:
    """A table; ``dependency`` is its name in `UnavailableError`.

    Every method raises UnavailableError when DynamoDB cannot be reached or refuses the call, or when throttling,
    failures or unprocessed items last until ``backoff`` is exhausted.
    """

    def __init__(
        self, name: str, *, dependency: str, client: "ClientFactory | None" = None, backoff: Backoff | None = None
    ) -> None:
        self.name = name
        self.dependency = dependency
        self._client = client or lazy_client()
        self._backoff = backoff or Backoff()

    def batch_get(self, keys: Sequence[Item], *, consistent: bool = False) -> list[Item]:
        """Return the existing items of distinct ``keys``, unordered; calls of up to 100 keys each run in parallel."""
        trips = list(batched(keys, READS_PER_CALL))
        if not trips:
            return []
        others = [self._readers.submit(self._get_trip, trip, consistent=consistent) for trip in trips[1:]]
        items = self._get_trip(trips[0], consistent=consistent)
        for other in others:
            items.extend(other.result())
        return items

    def query(self, pk: str, sk_prefix: str, *, consistent: bool = False) -> list[Item]:
        """Return the items of partition ``pk`` whose sort key begins with ``sk_prefix``, ordered by sort key."""
        request: Request = {
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": {":pk": {"S": pk}, ":prefix": {"S": sk_prefix}},
            "ConsistentRead": consistent,
        }
        items: list[Item] = []
        while True:
            page = self._page(request)
            items.extend(page["Items"])
            if not page.get("LastEvaluatedKey"):
                return items
            request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}

    def batch_put(self, items: Sequence[Item]) -> None:
        """Store items with distinct keys, replacing any that exist."""
        for batch in batched(items, WRITES_PER_CALL):
            self._until_done(self._send_puts, {self.name: [{"PutRequest": {"Item": item}} for item in batch]})

    def put_if(self, item: Item, condition: str, **expression: Any) -> Item | None:
        """Store ``item`` if ``condition`` holds; return None if it did, else the item already stored.

        ``expression`` holds PutItem's ExpressionAttributeNames and ExpressionAttributeValues.
        """
        refused: list[Item] = []

        def send(request: Request) -> None:
            stored = self._put_unless_refused(request)
            if stored is not None:
                refused.append(stored)

        self._until_done(send, {"Item": item, "ConditionExpression": condition, **expression})
        return refused[0] if refused else None

    def transact(self, writes: Sequence[Request]) -> list[Item | None] | None:
        """Apply all of ``writes`` or none; each is a Put or Update of TransactWriteItems without its table name.

        Returns None on success. Otherwise returns one entry for each write: the stored item where its condition
        failed, else None.
        """
        refused: list[list[Item | None]] = []
        on_table = {"TableName": self.name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        items = [{kind: {**each, **on_table} for kind, each in write.items()} for write in writes]

        def send(request: Request) -> None:
            found = self._transact_unless_refused(request)
            if found is not None:
                refused.append(found)

        # The token makes retries idempotent: a retry is not refused if the first attempt succeeded after all.
        self._until_done(send, {"TransactItems": items, "ClientRequestToken": secrets.token_hex(16)})
        return refused[0] if refused else None

    def _page(self, request: Request) -> dict[str, Any]:
        pages: list[dict[str, Any]] = []

        def send(request: Request) -> None:
            pages.append(cast("dict[str, Any]", self._client().query(TableName=self.name, **request)))

        self._until_done(send, request)
        return pages[0]

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
        from botocore.exceptions import ClientError

        try:
            self._client().put_item(TableName=self.name, ReturnValuesOnConditionCheckFailure="ALL_OLD", **request)
        except ClientError as error:
            if _code(error) != "ConditionalCheckFailedException":
                raise
            return cast("Item", error.response.get("Item", {}))
        return None

    def _transact_unless_refused(self, request: Request) -> list[Item | None] | None:
        from botocore.exceptions import ClientError

        try:
            self._client().transact_write_items(**request)
        except ClientError as error:
            reasons = cast("dict[str, Any]", error.response).get("CancellationReasons", [])
            codes = {reason.get("Code") for reason in reasons}
            if _CONFLICT in codes:
                raise _LeftUndone(request, "another transaction was under way") from error
            if _code(error) != "TransactionCanceledException" or _REFUSED not in codes:
                raise
            return [reason.get("Item", {}) if reason.get("Code") == _REFUSED else None for reason in reasons]
        return None

    def _until_done(self, send: Callable[[Request], Request | None], request: Request) -> None:
        """Send ``request``, then resend the unprocessed part that ``send`` returns until there is none."""
        with self._translated():
            try:
                _attempt(send, request)
            except _LeftUndone as undone:
                self._retry(send, undone)

    def _retry(self, send: Callable[[Request], Request | None], undone: _LeftUndone) -> None:
        import tenacity

        limits = self._backoff
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(limits.attempts) | tenacity.stop_after_delay(limits.seconds),
            wait=tenacity.wait_random_exponential(multiplier=limits.first_wait, max=limits.longest_wait),
            retry=tenacity.retry_if_exception_type(_LeftUndone),
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                if attempt.retry_state.attempt_number == 1:  # `_until_done` made it
                    raise undone
                try:
                    _attempt(send, undone.request)
                except _LeftUndone as again:
                    undone = again
                    raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except _LeftUndone as error:
            raise TriedInVainError(self.dependency, f"{error} (table {self.name}, tried again in vain)") from error
        except ClientError as error:
            raise UnavailableError(self.dependency, f"{_reason(error)} (table {self.name})") from error
        except BotoCoreError as error:  # no connection, a timeout, no credentials, no region
            raise UnavailableError(self.dependency, str(error)) from error


def _attempt(send: Callable[[Request], Request | None], request: Request) -> None:
    from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

    try:
        left = send(request)
    except ClientError as error:
        if _code(error) not in _TRANSIENT:
            raise
        raise _LeftUndone(request, _reason(error)) from error
    except (ConnectionClosedError, ReadTimeoutError) as error:  # common after a pause or a restored snapshot
        raise _LeftUndone(request, str(error)) from error
    if left:
        raise _LeftUndone(left, "part of a batch was left undone")


def _code(error: Any) -> str:
    return str(error.response["Error"]["Code"])


def _reason(error: Any) -> str:
    return f"{_code(error)}: {error.response['Error'].get('Message', '')}"


def batched(items: Sequence[T], size: int) -> Iterator[list[T]]:
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
