"""Parts of pages: kept for a minute, shared by requests, and failing by themselves."""

import time
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from slipway.console.tiles import TileCache
from slipway.errors import UnavailableError

NOW = datetime(2026, 11, 27, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Source:
    """Counts its calls, and fails when it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None

    def __call__(self) -> int:
        self.calls += 1
        if self.error:
            raise self.error
        return self.calls


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tiles(clock: Clock) -> TileCache:
    return TileCache(clock=clock)


def test_a_part_is_kept_for_a_minute(tiles: TileCache, clock: Clock):
    source = Source()
    assert tiles.get("part", source).value == 1
    clock.now += timedelta(seconds=59)
    assert tiles.get("part", source).value == 1
    clock.now += timedelta(seconds=1)
    assert tiles.get("part", source).value == 2


def test_a_refused_call_shows_the_older_value_and_why(tiles: TileCache, clock: Clock):
    source = Source()
    tiles.get("part", source)
    clock.now += timedelta(minutes=2)
    source.error = UnavailableError("CloudWatch", "AccessDenied")
    tile = tiles.get("part", source)
    assert (tile.value, tile.at, tile.stale) == (1, NOW, True)
    assert "AccessDenied" in (tile.problem or "")
    source.error = None
    assert tiles.get("part", source).value == 3  # a failure is not kept


def test_a_call_that_never_worked_has_no_value(tiles: TileCache):
    source = Source()
    source.error = UnavailableError("CloudWatch", "AccessDenied")
    tile = tiles.get("part", source)
    assert (tile.value, tile.stale) == (None, False)


def test_a_bug_does_not_take_the_page_away(tiles: TileCache, caplog: pytest.LogCaptureFixture):
    source = Source()
    source.error = KeyError("secret")
    assert "KeyError" in (tiles.get("part", source).problem or "")
    assert "secret" not in (tiles.get("part", source).problem or "")
    assert caplog.records


def test_a_slow_call_goes_on_and_is_found_later(clock: Clock):
    tiles, go, calls = TileCache(clock=clock, wait_seconds=0.01), Event(), []

    def slow() -> int:
        calls.append(1)
        go.wait()
        return 7

    tile = tiles.get("part", slow)
    assert tile.value is None
    assert "no answer" in (tile.problem or "")
    go.set()
    end = time.monotonic() + 60
    while (tile := tiles.get("part", slow)).value is None:
        assert time.monotonic() < end
    assert (tile.value, calls) == (7, [1])


def test_requests_for_the_same_part_share_one_call(tiles: TileCache):
    go, calls = Event(), []

    def slow() -> int:
        calls.append(1)
        go.wait()
        return 7

    first, second = tiles.begin("part", slow), tiles.begin("part", slow)
    go.set()
    assert (first.tile().value, second.tile().value, len(calls)) == (7, 7, 1)


def test_after_an_action_everything_is_read_anew(tiles: TileCache):
    source, go = Source(), Event()

    def before() -> str:
        go.wait()
        return "before the action"

    tiles.get("part", source)
    slow = tiles.begin("slow", before)
    tiles.forget()
    go.set()
    assert slow.tile().value == "before the action"
    assert tiles.get("part", source).value == 2
    assert tiles.get("slow", lambda: "after").value == "after"


def test_after_an_erasure_nothing_is_left(tiles: TileCache):
    source, go = Source(), Event()

    def before() -> str:
        go.wait()
        return "erased"

    tiles.get("draw", source, kept=timedelta(minutes=10))
    slow = tiles.begin("slow", before)
    tiles.clear()
    go.set()
    slow.tile()
    assert tiles.get("draw", source, kept=timedelta(minutes=10)).value == 2
    source.error = UnavailableError("S3", "AccessDenied")
    tiles.clear()
    assert tiles.get("draw", source).value is None
    assert tiles.get("slow", lambda: "after").value == "after"


def test_what_is_kept_for_long_is_not_what_an_action_changes(tiles: TileCache, clock: Clock):
    source = Source()
    tiles.get("bill", source, kept=timedelta(minutes=10))
    tiles.forget()
    assert tiles.get("bill", source, kept=timedelta(minutes=10)).value == 1
    clock.now += timedelta(minutes=10)
    assert tiles.get("bill", source, kept=timedelta(minutes=10)).value == 2
