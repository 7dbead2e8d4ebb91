"""The behaviour suite of every store of precomputed predictions, and what DynamoDB gets of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fakes.features import MemoryPrecomputed

from slipway.errors import UnavailableError
from slipway.features.cache import cache_key, cache_partitions
from slipway.features.precomputed import Precomputed, PrecomputedStore, precomputed_key
from slipway.features.precomputed_table import DynamoPrecomputed

DAY = timedelta(days=1)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest, clock: Any) -> PrecomputedStore:
    if request.param == "memory":
        return MemoryPrecomputed(clock=clock)
    return DynamoPrecomputed("predictions", client=request.getfixturevalue("client"), clock=clock)


@pytest.fixture
def answer(clock: Any) -> Precomputed:
    return Precomputed({"label": "négative", "score": 0.1 + 0.2}, {"wind": None, "carrier": "AA"}, clock())


def test_an_answer_is_read_as_it_was_stored(store: PrecomputedStore, answer: Precomputed) -> None:
    key = precomputed_key("flight-delay", 2, "airport", "JFK")
    assert store.put({key: answer}, DAY) == 1
    assert store.get([key, key, precomputed_key("flight-delay", 1, "airport", "JFK")]) == {key: answer}
    assert store.get([]) == {}
    assert store.put({}, DAY) == 0


def test_it_dies_with_its_time_to_live(store: PrecomputedStore, answer: Precomputed, clock: Any) -> None:
    store.put({"a": replace(answer, made_at=answer.made_at - timedelta(hours=1))}, DAY)
    clock.forward(hours=22, minutes=59)
    assert "a" in store.get(["a"])
    clock.forward(minutes=1)
    assert store.get(["a"]) == {}


@pytest.mark.parametrize("count", [25, 26, 250])
def test_many_at_once(store: PrecomputedStore, answer: Precomputed, count: int) -> None:
    entries = {f"m#1#user#{number}": replace(answer, output={"value": number / 7}) for number in range(count)}
    assert store.put(entries, DAY) == count
    assert store.get(entries) == entries


def test_one_that_no_item_can_hold_is_left_out(store: PrecomputedStore, answer: Precomputed) -> None:
    assert store.put({"a": answer, "b": replace(answer, inputs={"text": "x" * 420_000})}, DAY) == 1
    assert set(store.get(["a", "b"])) == {"a"}


def test_it_lies_where_the_model_may_read_and_no_cached_answer_does(client: Any, answer: Precomputed) -> None:
    key = precomputed_key("m", 1, "user", "a#b")
    assert key.startswith(cache_partitions("m").rstrip("*"))
    assert cache_key("m", 1, {"user": "a"}).count("#") == 1 < key.count("#")
    DynamoPrecomputed("predictions", client=client).put({key: answer}, DAY)
    [item] = client().scan(TableName="predictions")["Items"]
    assert item["pk"] == {"S": key}
    assert int(item["expires_at"]["N"]) == int((answer.made_at + DAY).timestamp())


def test_a_table_that_is_down_says_so(client: Any, answer: Precomputed) -> None:
    gone = DynamoPrecomputed("nowhere", client=client)
    for call in (lambda: gone.get(["a"]), lambda: gone.put({"a": answer}, DAY)):
        with pytest.raises(UnavailableError, match="precomputed predictions"):
            call()


def test_an_item_of_somebody_else_is_no_answer(client: Any, clock: Any) -> None:
    client().put_item(TableName="predictions", Item={"pk": {"S": "m#1#user#a"}, "expires_at": {"N": "9999999999"}})
    with pytest.raises(UnavailableError, match="Slipway did not write"):
        DynamoPrecomputed("predictions", client=client, clock=clock).get(["m#1#user#a"])
