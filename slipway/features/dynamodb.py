"""The feature store and the prediction cache on DynamoDB."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import TYPE_CHECKING

from slipway.aws.table import Backoff, DynamoTable, Item
from slipway.errors import LateEventError, SlipwayError, UnavailableError
from slipway.features.cache import Output
from slipway.features.definitions import ITEM_BYTES, AcceptedWrite, FeatureDefinitions
from slipway.features.store import (
    Clock,
    FeatureKey,
    FeatureRow,
    FeatureWrite,
    WriteResult,
    from_milliseconds,
    late,
    utc_now,
)

if TYPE_CHECKING:
    from slipway.aws.table import ClientFactory

WRITERS = 8
_WRITES_AHEAD = 4 * WRITERS
_CACHE_BACKOFF = Backoff(attempts=3, seconds=0.5, first_wait=0.02)  # predicting is cheaper than waiting
_NOT_OLDER = "attribute_not_exists(pk) OR event_time <= :event_time"


class DynamoFeatureStore:
    """A `FeatureStore` on a DynamoDB table.

    Unless ``consistent``, reads are eventually consistent, which costs half as much.
    """

    def __init__(
        self,
        table: str,
        definitions: FeatureDefinitions,
        *,
        client: "ClientFactory | None" = None,
        clock: Clock = utc_now,
        consistent: bool = False,
        backoff: Backoff | None = None,
    ) -> None:
        self.definitions = definitions
        self._table = DynamoTable(table, dependency="feature store", client=client, backoff=backoff)
        self._clock = clock
        self._consistent = consistent

    def read(self, keys: Iterable[FeatureKey]) -> dict[FeatureKey, FeatureRow]:
        wanted = {(f"{key.entity}#{key.id}", key.group): key for key in keys}
        self.definitions.check_keys(wanted.values())
        items = self._table.batch_get([_key(pk, sk) for pk, sk in wanted], consistent=self._consistent)
        now = self._clock().timestamp()
        return {wanted[item["pk"]["S"], item["sk"]["S"]]: _row(item) for item in items if not _expired(item, now)}

    def write(self, writes: Iterable[FeatureWrite]) -> Iterator[WriteResult]:
        pending: deque[WriteResult | Future[WriteResult]] = deque()
        newest: dict[FeatureKey, Future[WriteResult]] = {}
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="feature-write") as pool:
            try:
                for write in writes:
                    pending.append(self._begin(write, pool, newest))
                    if len(pending) >= _WRITES_AHEAD:
                        yield _end(pending.popleft(), newest)
                while pending:
                    yield _end(pending.popleft(), newest)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _begin(
        self, write: FeatureWrite, pool: ThreadPoolExecutor, newest: dict[FeatureKey, Future[WriteResult]]
    ) -> WriteResult | Future[WriteResult]:
        try:
            accepted = self.definitions.accept(write, self._clock())
        except SlipwayError as error:
            return WriteResult(write, error)
        if write.key in newest:  # writes of one row keep their order
            wait([newest[write.key]])
        newest[write.key] = future = pool.submit(self._put, write, accepted)
        return future

    def _put(self, write: FeatureWrite, accepted: AcceptedWrite) -> WriteResult:
        event_time: Item = {"N": str(accepted.event_milliseconds)}
        item = {
            **_key(f"{write.key.entity}#{write.key.id}", write.key.group),
            "values": {"S": accepted.text},
            "event_time": event_time,
        }
        if accepted.expires_at is not None:
            item["expires_at"] = {"N": str(accepted.expires_at)}
        if accepted.written_milliseconds is not None:
            item["written_at"] = {"N": str(accepted.written_milliseconds)}
        stored = self._table.put_if(item, _NOT_OLDER, ExpressionAttributeValues={":event_time": event_time})
        return WriteResult(write, None if stored is None else late_write(accepted, stored))


class DynamoPredictionCache:
    """A `PredictionCache` on a DynamoDB table."""

    def __init__(
        self,
        table: str,
        *,
        client: "ClientFactory | None" = None,
        clock: Clock = utc_now,
        backoff: Backoff | None = None,
    ) -> None:
        self._table = DynamoTable(
            table, dependency="prediction cache", client=client, backoff=backoff or _CACHE_BACKOFF
        )
        self._clock = clock

    def get(self, keys: Iterable[str]) -> dict[str, Output]:
        items = self._table.batch_get([{"pk": {"S": key}} for key in dict.fromkeys(keys)])
        now = self._clock().timestamp()
        try:
            return {item["pk"]["S"]: json.loads(item["output"]["S"]) for item in items if not _expired(item, now)}
        except (KeyError, ValueError) as error:
            raise UnavailableError("prediction cache", "it contains an entry that Slipway did not write") from error

    def put(self, entries: Mapping[str, Output], ttl: timedelta) -> None:
        expires_at = {"N": str(int((self._clock() + ttl).timestamp()))}
        texts = {key: json.dumps(output, separators=(",", ":")) for key, output in entries.items()}
        self._table.batch_put(
            [
                {"pk": {"S": key}, "output": {"S": text}, "expires_at": expires_at}
                for key, text in texts.items()
                if len(text) < ITEM_BYTES - 256  # json.dumps writes ASCII: characters are bytes
            ]
        )


def _end(result: WriteResult | Future[WriteResult], newest: dict[FeatureKey, Future[WriteResult]]) -> WriteResult:
    if isinstance(result, WriteResult):
        return result
    done = result.result()
    if newest.get(done.write.key) is result:
        del newest[done.write.key]
    return done


def late_write(accepted: AcceptedWrite, stored: Item) -> LateEventError:
    """The error for a write whose row has a newer event."""
    newer = from_milliseconds(int(stored["event_time"]["N"])) if "event_time" in stored else None
    return late(accepted.key, from_milliseconds(accepted.event_milliseconds), newer)


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _expired(item: Item, now: float) -> bool:
    # DynamoDB removes expired items up to a few days late.
    return "expires_at" in item and int(item["expires_at"]["N"]) <= now


def _row(item: Item) -> FeatureRow:
    try:
        return FeatureRow(json.loads(item["values"]["S"]), from_milliseconds(int(item["event_time"]["N"])))
    except (KeyError, ValueError) as error:
        name = f"{item['pk']['S']} / {item['sk']['S']}"
        raise UnavailableError("feature store", f"the row {name} was not written by Slipway") from error
