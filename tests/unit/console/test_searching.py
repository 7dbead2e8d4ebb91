"""A search of captures ends now at the latest, and keeps only what it may show."""

import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from support.captures import MemoryBucket, capture

from slipway.console.pages.captures import _search
from slipway.console.queries.captures import Search, search_hours
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import CaptureReader

NOW = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)
NOTHING = dict.fromkeys(("window", "version", "label", "least", "most", "entity"), "")


class Reader(CaptureReader):
    """Makes captures while they are read, and counts how many of them exist at once."""

    def __init__(self, number: int) -> None:
        super().__init__(MemoryBucket())
        self.number = number
        self.most = 0

    def captures(self, model: str, since: datetime, until: datetime) -> Iterator[Capture]:
        alive: list[weakref.ref[Capture]] = []
        for number in range(self.number):
            made = capture(number, inputs={}, outputs={}, at=since + timedelta(seconds=number), model=model)
            alive = [each for each in alive if each() is not None] + [weakref.ref(made)]
            self.most = max(self.most, len(alive))
            yield made


@pytest.mark.parametrize(("window", "before"), [("", "9999-01-01T00:00:00Z"), ("2026-11-26/9999-01-01", "")])
def test_a_search_does_not_go_on_into_the_future(window: str, before: str):
    assert _search("tweets", {**NOTHING, "window": window}, before, NOW).until == NOW


def test_a_search_keeps_only_the_captures_that_it_may_show():
    reader, since = Reader(1000), NOW - timedelta(minutes=20)
    found = search_hours(reader, Search("tweets", since, NOW), shown=10)
    assert [each.made_at for each in found.captures] == [since + timedelta(seconds=999 - n) for n in range(10)]
    assert found.read == 1000
    assert reader.most < 20
