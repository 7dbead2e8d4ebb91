"""What `slipway release` says it will find out."""

from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console
from support.releases.records import NOW, make_release, with_traffic

from slipway.cli.release.forecast import foreseen_at_rates, foreseen_now
from slipway.cli.release.watch import Foreseen
from slipway.config.releases.options import AbTest, AllAtOnce, Canary, Linear, Shadow
from slipway.errors import UnavailableError
from slipway.releases.evidence.tallies import Tally, Window
from slipway.releases.record.document import ReleaseRecord


class Reader:
    """The metrics of an hour with this many requests a minute; None if they cannot be read."""

    def __init__(self, requests: float | None) -> None:
        self.requests = requests
        self.reads = 0

    def windows(self, record: ReleaseRecord, now: Any) -> tuple[Window, ...]:
        self.reads += 1
        if self.requests is None:
            raise UnavailableError("CloudWatch", "no answer")
        start = record.judged_until
        return (Window(start, start + timedelta(minutes=1), {1: {"errors": Tally(self.requests, 0)}}),)

    def reference(self, record: ReleaseRecord, now: Any) -> None:
        return None

    def alarms(self, names: Any) -> dict[str, bool]:
        return {}


def shown(renderable: Any) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(renderable)
    text = capture.get()
    assert max(len(line) for line in text.splitlines()) <= 80
    return " ".join(text.split())


@pytest.mark.parametrize("options", [Canary(), Linear(), AllAtOnce(), Shadow(), AbTest(metric="accuracy")])
@pytest.mark.parametrize("requests", [0.01, 7, 60_000])
def test_every_strategy_fits_a_terminal(options: Any, requests: float) -> None:
    said = shown(foreseen_now(make_release(options=options), Reader(requests), NOW))
    assert "errors" in said
    assert "in a minute in an hour in a day proof" in said
    assert "100 errors" in shown(foreseen_at_rates(make_release(options=options), "The traffic is unknown."))


def test_a_release_under_way_says_what_has_been_found_by_now() -> None:
    record = with_traffic(make_release())
    assert record.running_since is not None
    said = shown(foreseen_now(record, Reader(6000), record.running_since + timedelta(hours=2)))
    assert "by now in an hour in a day" in said


def test_a_proof_that_takes_too_long_is_said() -> None:
    assert "would take more than 90 days" in shown(foreseen_now(make_release(), Reader(0.001), NOW))
    assert "takes about" in shown(foreseen_now(make_release(), Reader(6000), NOW))


def test_metrics_that_cannot_be_read_are_no_obstacle() -> None:
    assert "The traffic is unknown: CloudWatch" in shown(foreseen_now(make_release(), Reader(None), NOW))
    assert "no traffic in the last hour" in shown(foreseen_now(make_release(), Reader(0), NOW))


def test_a_watch_reads_the_traffic_once_a_minute_and_only_of_a_release_under_way() -> None:
    reader = Reader(6000)
    foreseen, record = Foreseen(reader), make_release()
    first = foreseen.of(record, NOW)
    assert foreseen.of(record, NOW + timedelta(seconds=59)) is first
    assert reader.reads == 1
    assert foreseen.of(record, NOW + timedelta(seconds=60)) is not first
    assert foreseen.of(record.model_copy(update={"settled": True}), NOW + timedelta(minutes=5)) == ""
    assert reader.reads == 2
