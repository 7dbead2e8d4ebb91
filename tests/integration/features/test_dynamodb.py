"""What only a table can do to the store and the cache: be partial, busy, absent, unreachable, or hold other things.

Moto answers whole batches only. Here handlers of botocore's events stand between a real client and moto and take
parts of a batch away, or give a service's refusal.
"""

import json
import socket
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError

from slipway.aws.table import Backoff, lazy_client
from slipway.errors import LateEventError, UnavailableError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.dynamodb import DynamoFeatureStore, DynamoPredictionCache
from slipway.features.store import FeatureKey, FeatureWrite

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
QUICK = Backoff(attempts=4, first_wait=0.001, longest_wait=0.002)
KEYS = [FeatureKey("user", f"u{number}", "profile") for number in range(250)]
FILLED = 110


class Calls:
    """Counts a client's calls by operation."""

    def __init__(self, client: Any) -> None:
        self.count: Counter[str] = Counter()
        self.requests: list[dict[str, Any]] = []
        client.meta.events.register("before-call.dynamodb", self._see)

    def _see(self, model: Any, params: dict[str, Any], **_: Any) -> None:
        self.count[model.name] += 1
        self.requests.append(json.loads(params["body"]))


def leave_undone(client: Any, operation: str, part: str, *, times: int, keep: int) -> None:
    """Truncate the first ``times`` batches to ``keep`` entries, and return the rest as unprocessed."""
    cut: dict[int, Any] = {}
    remaining = [times]

    def shorten(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        body = json.loads(params["body"])
        ((table, wanted),) = body["RequestItems"].items()
        entries = wanted["Keys"] if part == "UnprocessedKeys" else wanted
        if remaining[0] > 0:
            remaining[0] -= 1
            left = entries[keep:]
            cut[id(context)] = {table: {**wanted, "Keys": left} if part == "UnprocessedKeys" else left}
            del entries[keep:]
        params["body"] = json.dumps(body).encode()

    def confess(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        parsed[part] = cut.pop(id(context), {})

    client.meta.events.register(f"before-call.dynamodb.{operation}", shorten)
    client.meta.events.register(f"after-call.dynamodb.{operation}", confess)


def refuse(client: Any, operation: str, code: str, *, times: int, status: int = 400) -> None:
    """Answer the first ``times`` HTTP requests of an operation with an error in the service's form."""
    remaining = [times]

    def answer(request: Any, **_: Any) -> AWSResponse | None:
        if remaining[0] <= 0:
            return None
        remaining[0] -= 1
        body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "as DynamoDB says"})
        return AWSResponse(request.url, status, {}, _Raw(body.encode()))

    client.meta.events.register_first(f"before-send.dynamodb.{operation}", answer)


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Any:
        yield self._body


@pytest.fixture
def filled(dynamo_store: DynamoFeatureStore) -> DynamoFeatureStore:
    writes = [FeatureWrite(key, {"visits": 1}, NOON) for key in KEYS[:FILLED]]
    assert all(result.stored for result in dynamo_store.write(writes))
    return dynamo_store


@pytest.mark.parametrize(("keys", "trips"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_a_read_is_one_trip_for_each_hundred_keys(
    filled: DynamoFeatureStore, client: Callable[[], Any], keys: int, trips: int
) -> None:
    calls = Calls(client())
    rows = filled.read([*KEYS[:keys], *KEYS[:keys]])
    assert set(rows) == set(KEYS[: min(keys, FILLED)])
    assert calls.count == {"BatchGetItem": trips}
    assert {request["RequestItems"]["features"]["ConsistentRead"] for request in calls.requests} == {False}


def test_reading_nothing_makes_no_client(definitions: FeatureDefinitions) -> None:
    def no_client() -> Any:
        raise AssertionError("a client was made")

    assert DynamoFeatureStore("features", definitions, client=no_client).read([]) == {}
    assert DynamoPredictionCache("predictions", client=no_client).get([]) == {}


def test_reads_are_consistent_where_that_is_asked_for(client: Callable[[], Any], definitions: Any) -> None:
    calls = Calls(client())
    DynamoFeatureStore("features", definitions, client=client, consistent=True).read(KEYS[:1])
    assert calls.requests[0]["RequestItems"]["features"]["ConsistentRead"] is True


def test_keys_left_undone_are_read_again(filled: DynamoFeatureStore, client: Callable[[], Any]) -> None:
    leave_undone(client(), "BatchGetItem", "UnprocessedKeys", times=3, keep=20)
    calls = Calls(client())
    assert set(filled.read(KEYS[:100])) == set(KEYS[:100])
    assert calls.count == {"BatchGetItem": 4}
    asked = [len(request["RequestItems"]["features"]["Keys"]) for request in calls.requests]
    assert asked == [20, 20, 20, 40]


def test_a_key_that_stays_undone_is_an_error_and_no_missing_feature(
    filled: DynamoFeatureStore, client: Callable[[], Any]
) -> None:
    leave_undone(client(), "BatchGetItem", "UnprocessedKeys", times=1000, keep=0)
    with pytest.raises(UnavailableError, match="feature store is unavailable: part of a batch was left undone"):
        filled.read(KEYS[:3])


def test_one_undone_trip_of_several_fails_the_read(filled: DynamoFeatureStore, client: Callable[[], Any]) -> None:
    leave_undone(client(), "BatchGetItem", "UnprocessedKeys", times=1000, keep=60)
    with pytest.raises(UnavailableError):
        filled.read(KEYS)


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "ThrottlingException", "InternalServerError"]
)
def test_throttled_reads_and_writes_are_made_again(
    filled: DynamoFeatureStore, client: Callable[[], Any], code: str
) -> None:
    refuse(client(), "BatchGetItem", code, times=3)
    refuse(client(), "PutItem", code, times=3)
    assert set(filled.read(KEYS[:3])) == set(KEYS[:3])
    (result,) = filled.write([FeatureWrite(KEYS[0], {"visits": 2}, NOON)])
    assert result.stored


def test_throttling_without_end_is_an_error(filled: DynamoFeatureStore, client: Callable[[], Any]) -> None:
    refuse(client(), "PutItem", "ThrottlingException", times=1000)
    with pytest.raises(UnavailableError, match="feature store is unavailable: ThrottlingException: as DynamoDB says"):
        list(filled.write([FeatureWrite(KEYS[0], {"visits": 2}, NOON)]))


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_any_other_refusal_says_what_the_table_said(
    filled: DynamoFeatureStore, client: Callable[[], Any], code: str
) -> None:
    refuse(client(), "BatchGetItem", code, times=1000)
    with pytest.raises(UnavailableError, match=rf"feature store is unavailable: {code}: as DynamoDB says \(table"):
        filled.read(KEYS[:1])


def test_results_before_a_failed_write_stand(filled: DynamoFeatureStore, client: Callable[[], Any]) -> None:
    later = NOON + timedelta(seconds=1)
    results = filled.write(FeatureWrite(key, {"visits": 2}, later) for key in KEYS)
    assert all(next(results).stored for _ in range(4))
    refuse(client(), "PutItem", "AccessDeniedException", times=10_000)
    with pytest.raises(UnavailableError, match="AccessDeniedException"):
        list(results)
    rows = filled.read(KEYS)
    assert all(rows[key].values == {"visits": 2} for key in KEYS[:4])
    assert set(rows) < set(KEYS)


def test_a_missing_table_is_unavailable(
    client: Callable[[], Any], definitions: FeatureDefinitions, clock: Callable[[], datetime]
) -> None:
    store = DynamoFeatureStore("gone", definitions, client=client, clock=clock)
    with pytest.raises(UnavailableError, match=r"feature store .*ResourceNotFoundException.*\(table gone\)"):
        store.read(KEYS[:1])
    with pytest.raises(UnavailableError, match="ResourceNotFoundException"):
        list(store.write([FeatureWrite(KEYS[0], {"visits": 1}, NOON)]))
    cache = DynamoPredictionCache("gone", client=client)
    with pytest.raises(UnavailableError, match=r"prediction cache .*ResourceNotFoundException"):
        cache.get(["a"])
    with pytest.raises(UnavailableError, match=r"prediction cache .*ResourceNotFoundException"):
        cache.put({"a": {"value": 1}}, timedelta(days=1))


def test_no_server_is_unavailable(definitions: FeatureDefinitions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        client = lazy_client(region_name="eu-west-1", endpoint_url=address)
        with pytest.raises(UnavailableError, match="feature store is unavailable: Could not connect"):
            DynamoFeatureStore("features", definitions, client=client).read(KEYS[:1])


def test_a_server_that_hangs_up_is_asked_again(definitions: FeatureDefinitions, client: Callable[[], Any]) -> None:
    hung_up: list[str] = []

    def hang_up(request: Any, **_: Any) -> None:
        if not hung_up:
            hung_up.append(request.url)
            raise ConnectionClosedError(endpoint_url=request.url)

    client().meta.events.register_first("before-send.dynamodb.BatchGetItem", hang_up)
    assert DynamoFeatureStore("features", definitions, client=client, backoff=QUICK).read(KEYS[:1]) == {}
    assert len(hung_up) == 1


def test_no_region_is_unavailable(definitions: FeatureDefinitions, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(UnavailableError, match="feature store is unavailable: You must specify a region"):
        DynamoFeatureStore("features", definitions, client=lazy_client()).read(KEYS[:1])


def test_a_late_write_is_told_what_is_stored(filled: DynamoFeatureStore) -> None:
    (result,) = filled.write([FeatureWrite(KEYS[0], {"visits": 0}, NOON - timedelta(days=1))])
    assert isinstance(result.error, LateEventError)
    assert str(result.error) == (
        "profile of user u0: the event of 2026-11-20T12:00:00+00:00 is older than"
        " the stored event of 2026-11-21T12:00:00+00:00"
    )


def test_the_item_is_as_documented(dynamo_store: DynamoFeatureStore, client: Callable[[], Any]) -> None:
    list(dynamo_store.write([FeatureWrite(FeatureKey("user", "a#b", "last-hour"), {"clicks": 3}, NOON)]))
    (item,) = client().scan(TableName="features")["Items"]
    assert item == {
        "pk": {"S": "user#a#b"},
        "sk": {"S": "last-hour"},
        "values": {"S": '{"clicks":3}'},
        "event_time": {"N": str(int(NOON.timestamp()) * 1000)},
        "expires_at": {"N": str(int(NOON.timestamp()) + 86_400)},
    }


@pytest.mark.parametrize("kind", ["dynamo_store", "bulk_store"])
def test_only_rows_whose_history_is_kept_say_when_they_were_written(
    kind: str, request: pytest.FixtureRequest, clock: Any
) -> None:
    store = request.getfixturevalue(kind)
    for _ in range(2):  # inserted, then updated
        clock.forward(milliseconds=1)
        keys = [FeatureKey("user", "u1", "profile"), FeatureKey("item", "i1", "stock")]
        writes = [FeatureWrite(keys[0], {"visits": 3}, NOON), FeatureWrite(keys[1], {"price": 3.0}, NOON)]
        assert all(result.stored for result in store.write(writes))
    items = store._table.batch_get([{"pk": {"S": f"{k.entity}#{k.id}"}, "sk": {"S": k.group}} for k in keys])
    written = {item["sk"]["S"]: item.get("written_at") for item in items}
    assert written == {"profile": {"N": str(int(NOON.timestamp()) * 1000 + 2)}, "stock": None}


@pytest.mark.parametrize(
    "item", [{}, {"values": {"S": "{"}, "event_time": {"N": "0"}}, {"values": {"S": "{}"}, "event_time": {"S": "0"}}]
)
def test_a_row_that_slipway_did_not_write_is_an_error(
    dynamo_store: DynamoFeatureStore, client: Callable[[], Any], item: dict[str, Any]
) -> None:
    client().put_item(TableName="features", Item={"pk": {"S": "user#u0"}, "sk": {"S": "profile"}, **item})
    with pytest.raises(UnavailableError, match="the row user#u0 / profile was not written by Slipway"):
        dynamo_store.read(KEYS[:1])


def test_cached_predictions_left_undone_are_kept_and_read_again(
    dynamo_cache: DynamoPredictionCache, client: Callable[[], Any]
) -> None:
    leave_undone(client(), "BatchWriteItem", "UnprocessedItems", times=2, keep=10)
    leave_undone(client(), "BatchGetItem", "UnprocessedKeys", times=2, keep=10)
    calls = Calls(client())
    entries = {f"key-{number}": {"value": number} for number in range(25)}
    dynamo_cache.put(entries, timedelta(days=1))
    assert dynamo_cache.get(entries) == entries
    assert calls.count == {"BatchWriteItem": 3, "BatchGetItem": 3}


def test_a_cache_that_stays_busy_is_unavailable(dynamo_cache: DynamoPredictionCache, client: Callable[[], Any]) -> None:
    leave_undone(client(), "BatchWriteItem", "UnprocessedItems", times=1000, keep=0)
    with pytest.raises(UnavailableError, match="prediction cache is unavailable: part of a batch was left undone"):
        dynamo_cache.put({"a": {"value": 1}}, timedelta(days=1))


def test_a_prediction_too_large_for_an_item_is_not_kept(dynamo_cache: DynamoPredictionCache) -> None:
    entries = {"small": {"label": "x"}, "large": {"label": "x" * 400 * 1024}}
    dynamo_cache.put(entries, timedelta(days=1))
    assert dynamo_cache.get(entries) == {"small": {"label": "x"}}


def test_a_cache_entry_that_slipway_did_not_write_is_an_error(
    dynamo_cache: DynamoPredictionCache, client: Callable[[], Any]
) -> None:
    client().put_item(TableName="predictions", Item={"pk": {"S": "a"}})
    with pytest.raises(UnavailableError, match="prediction cache"):
        dynamo_cache.get(["a"])
