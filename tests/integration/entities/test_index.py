"""The index of entities: an entity's predictions in the order of time, bounded however busy it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.entities import KEPT, MODEL, U7, U42, World, line

from slipway.aws.table import Backoff, DynamoTable, lazy_client
from slipway.errors import UnavailableError
from slipway.monitoring.captures.parsing import read_captures
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.entities.index import MOST_BYTES, MOST_OF_AN_ENTITY, indexed
from slipway.monitoring.entities.index_table import DynamoEntityIndex
from slipway.monitoring.entities.life import DynamoFeedbackReader, life_of
from slipway.monitoring.feedback.store import Feedback
from slipway.monitoring.feedback.table import DynamoFeedbackStore

QUICK = Backoff(attempts=2, seconds=0.2, first_wait=0.01)


def test_a_life_is_in_the_order_of_time_with_its_feedback(world: World, lives: dict[Subject, list[str]]) -> None:
    world.capture(line(U42, 1), line(U42, 2))
    index = DynamoEntityIndex("control")
    reader = DynamoFeedbackReader(DynamoTable("control", dependency="control"))
    life = life_of(U42, index, reader, model=None, limit=10)
    times = [each.prediction.time for each in life]
    assert (len(life), times) == (5, sorted(times))
    assert [each.feedback for each in life if each.feedback] == [{"label": "negative"}]
    assert life[-1].prediction.inputs == {"text": "tweet 0 of u42", "age": 40}
    newest = life_of(U42, index, reader, model=MODEL, limit=2)
    assert [each.prediction.id for each in newest] == [each.prediction.id for each in life[-2:]]
    assert life_of(U42, index, reader, model="other", limit=2) == []


def test_a_capture_that_comes_again_is_indexed_once(world: World) -> None:
    twice = line(U42, 0)
    for _ in range(2):
        assert world.capture(twice).not_indexed == 0
    assert len(list(world.stores.index.newest(U42))) == 1


def test_entries_expire_with_their_captures(world: World) -> None:
    world.capture(line(U42, 0), line(U42, 1, at=datetime.now(UTC) - KEPT))
    (entry,) = world.stores.index.newest(U42)
    assert abs(entry.expires - datetime.now(UTC) - KEPT) < timedelta(minutes=5)


def test_a_record_too_large_for_the_index_is_indexed_without_it(world: World) -> None:
    world.capture(line(U42, 0, text="x" * MOST_BYTES))
    (entry,) = world.stores.index.newest(U42)
    assert (entry.inputs, entry.outputs["label"]) == (None, "positive")
    ((_, content),) = world.objects().items()
    assert b"x" * MOST_BYTES in content


def test_models_that_are_captured_by_request_are_not_indexed(world: World) -> None:
    captures = read_captures([line(U42, 0)]).captures
    assert indexed(captures, {}, KEPT) == ([], 0)
    assert indexed(captures, {MODEL: "patient"}, KEPT) == ([], 0)


def test_a_busy_entity_is_indexed_in_part_and_last() -> None:
    lines = [line(U42, 0) for _ in range(MOST_OF_AN_ENTITY + 20)] + [line(U7, 1)]
    entries, left_out = indexed(read_captures(lines).captures, {MODEL: None}, KEPT)
    assert left_out == 20
    assert [entry.subject for entry in entries] == [U7] + [U42] * MOST_OF_AN_ENTITY


class _Throttling:
    """A client whose table takes no write to the partition of u42."""

    def __init__(self, code: str) -> None:
        self._client, self._code = lazy_client()(), code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_write_item(self, **request: Any) -> Any:
        keys = [put["PutRequest"]["Item"]["pk"]["S"] for put in request["RequestItems"]["control"]]
        if "entity#user#u42" in keys:
            raise ClientError({"Error": {"Code": self._code, "Message": "too hot"}}, "BatchWriteItem")
        return self._client.batch_write_item(**request)


def test_a_throttled_partition_costs_its_own_entries_and_nothing_else() -> None:
    client: Any = _Throttling("ThrottlingException")
    index = DynamoEntityIndex("control", client=lambda: client, backoff=QUICK)
    lines = [line(U42, 0) for _ in range(50)] + [line(Subject("user", f"a{number}"), 0) for number in range(50)]
    entries, _ = indexed(read_captures(lines).captures, {MODEL: None}, KEPT)
    assert index.add(entries) == 50
    assert [len(list(index.newest(Subject("user", f"a{number}")))) for number in (0, 49)] == [1, 1]


def test_a_table_that_refuses_is_no_busy_entity() -> None:
    client: Any = _Throttling("AccessDeniedException")
    index = DynamoEntityIndex("control", client=lambda: client, backoff=QUICK)
    entries, _ = indexed(read_captures([line(U42, 0)]).captures, {MODEL: None}, KEPT)
    with pytest.raises(UnavailableError, match="AccessDenied"):
        index.add(entries)


def test_feedback_before_its_capture_is_part_of_the_life(world: World) -> None:
    early = line(U42, 0)
    (capture,) = read_captures([early]).captures
    DynamoFeedbackStore("control").put(Feedback(capture.prediction, reward=0.5))
    world.capture(early)
    reader = DynamoFeedbackReader(DynamoTable("control", dependency="control"))
    (chapter,) = life_of(U42, world.stores.index, reader, model=None, limit=5)
    assert chapter.feedback == {"reward": 0.5}
