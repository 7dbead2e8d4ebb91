"""Lines of a log group are delivered to its subscriptions in batches."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from ministack.services import cloudwatch_logs, lambda_svc

from local.emulator import subscriptions
from local.emulator.subscriptions import Deliveries
from slipway.monitoring.captures.subscriptions import subscribed_lines

Calls = list[tuple[str, list[str]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The calls of functions, as names and lines."""
    made: Calls = []
    arn = "arn:aws:lambda:us-east-1:000000000000:function:"
    subscribed = {
        "words": {"filterName": "words", "filterPattern": '"capture"', "destinationArn": f"{arn}keep:live"},
        "gone": {"filterName": "gone", "filterPattern": "", "destinationArn": f"{arn}gone"},
    }
    monkeypatch.setattr(cloudwatch_logs, "_log_groups", {"logs": {"subscriptionFilters": subscribed}, "quiet": {}})
    monkeypatch.setattr(lambda_svc, "_functions", {"keep": "keep"})
    monkeypatch.setattr(
        lambda_svc,
        "invoke_async_with_retry",
        lambda function, event: made.append((function, list(subscribed_lines(event)))),
    )
    return made


def line(message: str) -> dict[str, Any]:
    return {"timestamp": 5, "message": message}


class Moments:
    """Keeps what shall be called in a moment, until the moment is over."""

    def __init__(self) -> None:
        self._kept: list[Callable[[], None]] = []

    def __call__(self, call: Callable[[], None]) -> None:
        self._kept.append(call)

    def pass_by(self) -> None:
        """Call what was kept."""
        kept, self._kept = self._kept, []
        for call in kept:
            call()


def test_what_comes_within_a_moment_goes_together_and_what_does_not_match_stays(calls: Calls) -> None:
    moments = Moments()
    deliveries = Deliveries(moments)
    deliveries.add("logs", "one", [line("a capture"), line("START")])
    deliveries.add("logs", "two", [line("another capture")])
    deliveries.add("quiet", "one", [line("a capture")])
    deliveries.add("nowhere", "one", [line("a capture")])
    assert calls == []
    moments.pass_by()
    assert calls == [("keep", ["a capture", "another capture"])]
    deliveries.add("logs", "one", [line("a capture")])
    moments.pass_by()
    assert calls[1:] == [("keep", ["a capture"])]


def test_a_batch_has_an_end(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "_EVENTS_PER_BATCH", 2)
    moments = Moments()
    Deliveries(moments).add("logs", "one", [line(f"capture {number}") for number in range(5)])
    moments.pass_by()
    assert [len(lines) for _, lines in calls] == [2, 2, 1]


def test_a_moment_passes_by_itself(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "DELAY_SECONDS", 0.01)
    Deliveries().add("logs", "one", [line("a capture")])
    deadline = time.monotonic() + 60
    while not calls:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert calls == [("keep", ["a capture"])]
