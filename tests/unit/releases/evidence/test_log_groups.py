"""Segments are counted by queries of the log that may take long, or fail, and never hold a release up."""

from datetime import datetime, timedelta
from json import loads
from typing import Any

import pytest
from support.releases.records import NOW, make_release, with_traffic

from local.emulator.log_insights import parse
from slipway.errors import UnavailableError
from slipway.monitoring.telemetry.segments import Group, segment_line
from slipway.releases.evidence.bucket_query import Row
from slipway.releases.evidence.log_groups import LogGroups, segment_query
from slipway.releases.evidence.tallies import Grouped, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.record.stored_evidence import LatencyLimits
from slipway.releases.routing.segments import GroupKey, Segment

MINUTE = timedelta(minutes=1)
ROW = {"segment.version": "2", "segment.segment": "0", "segment.group": "1", "parts": "3", "failed": "1.0"}


class Log:
    """A log whose queries need some polls, and may fail."""

    def __init__(self, *, polls: int = 0, fails: bool = False) -> None:
        self.polls = polls
        self.fails = fails
        self.asked: list[tuple[str, datetime, datetime]] = []

    def start(self, group: str, text: str, start: datetime, end: datetime) -> str:
        if self.fails:
            raise UnavailableError("CloudWatch Logs", "no answer")
        self.asked.append((text, start, end))
        return group

    def rows(self, query: str) -> list[Row] | None:
        self.polls -= 1
        return None if self.polls >= 0 else [ROW]


def record(**changes: Any) -> ReleaseRecord:
    segments = changes.pop("segments", (Segment("plan", ("basic", "pro")),))
    made = with_traffic(make_release(segments=segments, **changes), NOW)
    limits = LatencyLimits(p50_ms=10, p99_ms=40)
    return made.model_copy(update={"phase": Phase.RUNNING, "limits": limits})


def last(minutes: int) -> Window:
    end = NOW + minutes * MINUTE
    return Window(end - MINUTE, end, {})


def grouped(log: Log, release: ReleaseRecord, minutes: int, reader: LogGroups | None = None) -> Grouped | None:
    reader = reader or LogGroups({"sentiment": "/predict"}, log, pause=lambda _: None)
    return reader.with_groups(release, last(minutes)).grouped


def test_a_look_counts_from_the_last_one_until_a_minute_before_its_end() -> None:
    log = Log()
    found = grouped(log, record(), 5)
    assert found == Grouped(NOW + 4 * MINUTE, {GroupKey(2, 0, 1): {"errors": Tally(3, 1)}})
    (asked,) = log.asked
    assert (asked[1], asked[2]) == (NOW, NOW + 5 * MINUTE)
    later = record().model_copy(update={"grouped_until": NOW + 4 * MINUTE})
    assert grouped(log, later, 5) is None
    assert len(log.asked) == 1


def test_a_query_that_takes_long_is_collected_by_a_later_look(caplog: pytest.LogCaptureFixture) -> None:
    log = Log(polls=20)
    reader = LogGroups({"sentiment": "/predict"}, log, pause=lambda _: None)
    assert grouped(log, record(), 5, reader) is None
    found = grouped(log, record(), 6, reader)
    assert found is not None
    assert found.until == NOW + 4 * MINUTE
    assert len(log.asked) == 1
    assert not caplog.messages


@pytest.mark.parametrize("group", ["sentiment", "another"])
def test_a_log_that_cannot_be_read_is_told_and_read_later(group: str, caplog: pytest.LogCaptureFixture) -> None:
    log = Log(fails=True)
    assert grouped(log, record(), 5, LogGroups({group: "/predict"}, log)) is None
    assert "segments are counted later" in caplog.text


def test_without_segments_no_log_is_read() -> None:
    log = Log()
    assert grouped(log, record(segments=()), 5) is None
    assert grouped(log, record().model_copy(update={"phase": Phase.BAKING}), 5) is None
    assert log.asked == []


def test_the_query_sums_the_lines_of_the_release_and_of_its_time_up() -> None:
    release = record(labels=("no", "yes"), value_limits=(2.5,))
    segmenting = release.segmenting
    assert segmenting is not None
    at = int(NOW.timestamp() * 1000)

    def line(time: int, tag: str = segmenting.tag, **counts: float) -> dict[str, Any]:
        return loads(segment_line(Group(tag, 2, 0, 1), counts, time))

    lines = [line(at, parts=1, label1=0.5), line(at + 59_999, parts=1, value0=1), line(at + 60_000, parts=1)]
    lines += [line(at - 1, parts=1), line(at, "other", parts=1)]
    (row,) = parse(segment_query(segmenting, NOW, NOW + MINUTE)).rows(lines)
    assert {name: float(row[name]) for name in ("parts", "label1", "value0")} == {
        "parts": 2,
        "label1": 0.5,
        "value0": 1,
    }
    assert "failed" not in row
