"""The behaviour suite of every prediction cache."""

from datetime import timedelta
from typing import Any

import pytest

from slipway.features.cache import PredictionCache, cache_key

DAY = timedelta(days=1)
OUTPUT = {"label": "positive", "score": 0.93, "scores": {"positive": 0.93, "négative": 0.07}}


def test_a_prediction_is_read_as_it_was_kept(cache: PredictionCache) -> None:
    key = cache_key("tweet-sentiment", 1, {"text": "Hello"})
    cache.put({key: OUTPUT}, DAY)
    assert cache.get([key, key, "0" * 64]) == {key: OUTPUT}


def test_nothing_is_read_for_nothing(cache: PredictionCache) -> None:
    cache.put({}, DAY)
    assert cache.get([]) == {}


def test_an_expired_prediction_is_absent(cache: PredictionCache, clock: Any) -> None:
    cache.put({"a": OUTPUT}, DAY)
    clock.forward(hours=23, minutes=59)
    assert "a" in cache.get(["a"])
    clock.forward(minutes=1)
    assert cache.get(["a"]) == {}


def test_a_later_prediction_replaces_an_earlier_one(cache: PredictionCache) -> None:
    cache.put({"a": OUTPUT}, DAY)
    cache.put({"a": {"value": 1.5}}, DAY)
    assert cache.get(["a"]) == {"a": {"value": 1.5}}


@pytest.mark.parametrize("count", [25, 26, 128])
def test_as_many_as_a_request_holds(cache: PredictionCache, count: int) -> None:
    entries = {f"key-{number}": {"value": number / 7} for number in range(count)}
    cache.put(entries, DAY)
    assert cache.get(entries) == entries
