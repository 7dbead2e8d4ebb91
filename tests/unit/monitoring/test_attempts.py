"""Attempts: each is 1 until it ends, at the time of its request."""

import json
import threading
from collections.abc import Sequence

import pytest

from slipway.monitoring.telemetry.attempts import Attempts, BatchedAttempts
from slipway.monitoring.telemetry.requests import Telemetry

MINUTE = 60.0


def changes(written: Sequence[str]) -> list[tuple[int, int]]:
    """The time in seconds and the change of each line."""
    lines = [json.loads(line) for line in "".join(written).splitlines()]
    return [(line["_aws"]["Timestamp"] // 1000, line["Unfinished"]) for line in lines]


def test_an_attempt_is_written_before_and_after_it_runs_at_one_time() -> None:
    written: list[str] = []
    attempts = Attempts("shop", write=written.append)
    with attempts("sentiment", 2, 59.9):
        assert changes(written) == [(59, 1)]
    assert changes(written) == [(59, 1), (59, -1)]
    assert {"Project": "shop", "Model": "sentiment", "Version": "2"}.items() <= json.loads(written[0]).items()
    directive = json.loads(written[0])["_aws"]["CloudWatchMetrics"]
    assert [each["Dimensions"] for each in directive] == [[["Project", "Model", "Version"]]]


def test_one_that_fails_has_ended() -> None:
    written: list[str] = []
    with pytest.raises(KeyboardInterrupt), Attempts("shop", write=written.append)("sentiment", 2, 1.0):
        raise KeyboardInterrupt
    assert changes(written) == [(1, 1), (1, -1)]


def test_synthetic_requests_write_no_attempts() -> None:
    written: list[str] = []
    telemetry = Telemetry("shop", "predict", write=written.append)
    attempts = Attempts("shop", write=telemetry.write)
    with telemetry.silenced(), attempts("sentiment", 2, 1.0):
        pass
    assert written == []


class Watch:
    """Whether a release compares the slots, and what a slot wrote."""

    def __init__(self) -> None:
        self.is_on = True
        self.written: list[str] = []
        self.attempts = BatchedAttempts("shop", "big", 3, watched=lambda: self.is_on, write=self.written.append)

    def net(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for at, change in changes(self.written):
            found[at] = found.get(at, 0) + change
        return found


def test_a_slot_writes_what_has_changed_by_minute() -> None:
    watch = Watch()
    first, second, third = (watch.attempts.begin(at) for at in (10.0, 59.9, 60.1))
    watch.attempts.write()
    assert watch.net() == {0: 2, 60: 1}
    second()
    third()
    watch.attempts.write()
    assert watch.net() == {0: 1, 60: 0}
    lines = len(watch.written)
    fourth = watch.attempts.begin(61.0)
    fourth()
    watch.attempts.write()
    assert len(watch.written) == lines  # nothing has changed
    first()
    assert watch.attempts.pending
    watch.attempts.write()
    assert (watch.net(), watch.attempts.pending) == ({0: 0, 60: 0}, False)


def test_an_attempt_that_began_during_a_release_ends_after_it_and_no_other_does() -> None:
    watch = Watch()
    during = watch.attempts.begin(1.0)
    watch.is_on = False
    after = watch.attempts.begin(2.0)
    after()
    during()
    watch.attempts.write()
    assert (watch.net(), watch.attempts.pending) == ({}, False)


def test_a_worker_waits_for_the_line_that_another_one_writes_for_it() -> None:
    """Otherwise it could crash the process before its own attempt is out."""
    begun, out = threading.Event(), threading.Event()
    written: list[str] = []

    def slow(text: str) -> None:
        begun.set()
        assert out.wait(10)
        written.append(text)

    attempts = BatchedAttempts("shop", "big", 3, watched=lambda: True, write=slow)
    attempts.begin(1.0)
    other = threading.Thread(target=attempts.write)
    other.start()
    assert begun.wait(10)
    seen: list[int] = []
    mine = threading.Thread(target=lambda: (attempts.write(), seen.append(len(written))))
    mine.start()
    out.set()
    for thread in (other, mine):
        thread.join(10)
    assert seen == [1]
