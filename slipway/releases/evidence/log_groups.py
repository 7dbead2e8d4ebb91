"""Sum the segment lines of serving processes up, with one query of their log for each look."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from slipway.errors import UnavailableError
from slipway.monitoring.telemetry import segments as names
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.bucket_query import Row
from slipway.releases.evidence.log_clusters import LogQueries, await_rows, pausing
from slipway.releases.evidence.tallies import Grouped, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.routing.segments import GroupKey, Segmenting

_LOG = logging.getLogger("slipway")
# A line is written when its request ends and can be searched some time later, and one that is missed is never read.
_SETTLED = timedelta(minutes=1)
_POLLS = 12  # a query that takes longer is collected by a later look
_KEY = ("version", "segment", "group")


class GroupReader(Protocol):
    """Counts a release by segment."""

    def with_groups(self, record: ReleaseRecord, last: Window) -> Window:
        """The last window with what the groups of the segments add; unchanged if nothing is known now."""
        ...


class NoGroups:
    """A `GroupReader` of a deployment whose log groups are not known."""

    def with_groups(self, record: ReleaseRecord, last: Window) -> Window:  # noqa: ARG002 - as `GroupReader` has it
        return last


@dataclass(frozen=True, slots=True)
class _Running:
    query: str
    since: datetime
    until: datetime


class LogGroups:
    """A `GroupReader` by queries of the models' logs. Nothing is decided on segments, so no failure is an error.

    The record says until when the lines are counted, so that none counts twice, whichever process asks.

    Args:
        groups: the log group of each model.
        queries: the queries of log groups.
        pause: waits for some seconds.
    """

    def __init__(
        self, groups: Mapping[str, str], queries: LogQueries, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._groups = groups
        self._queries = queries
        self._pause = pause
        self._running: dict[str, _Running] = {}

    def with_groups(self, record: ReleaseRecord, last: Window) -> Window:
        segmenting, since = record.segmenting, record.grouped_until or record.running_since
        if segmenting is None or since is None or since >= last.end - _SETTLED:
            return last
        try:
            return self._counted(record, last, segmenting, since)
        except UnavailableError as error:
            _LOG.warning("release %s: segments are counted later: %s", record.id, error)
            return last

    def _counted(self, record: ReleaseRecord, last: Window, segmenting: Segmenting, since: datetime) -> Window:
        running = self._running.pop(record.id, None)
        if running is None or running.since != since:
            running = self._ask(record, segmenting, since, last.end)
        rows = await_rows(self._queries, running.query, pausing(self._pause, _POLLS))
        if rows is None:
            self._running[record.id] = running
            return last
        groups = {key: tallies for key, tallies in (_group(row, segmenting) for row in rows) if tallies}
        return replace(last, grouped=Grouped(running.until, groups))

    def _ask(self, record: ReleaseRecord, segmenting: Segmenting, since: datetime, end: datetime) -> _Running:
        group = self._groups.get(record.model)
        if group is None:
            raise UnavailableError("counting by segment", f"the log group of {record.model} is not known here")
        until = end - _SETTLED
        query = self._queries.start(group, segment_query(segmenting, since, until), since, end)
        return _Running(query, since, until)


def segment_query(segmenting: Segmenting, since: datetime, until: datetime) -> str:
    """The query of CloudWatch Logs Insights that sums up a release's lines from ``since`` until before ``until``."""
    start, end = (round(moment.timestamp() * 1000) for moment in (since, until))
    within = f'segment.tag = "{segmenting.tag}" and segment.time >= {start} and segment.time < {end}'
    sums = ", ".join(f"sum(segment.{name}) as {name}" for name in _counts(segmenting))
    return f"filter {within} | stats {sums} by {', '.join(f'segment.{name}' for name in _KEY)}"


def _counts(segmenting: Segmenting) -> Iterator[str]:
    yield from (names.PARTS, names.FAILED, names.TIMED, names.OVER_P50, names.OVER_P99)
    if segmenting.labels:
        yield from (names.SCORED, names.SCORES, names.LABELED)
    yield from (names.label_count(place) for place, _ in enumerate(segmenting.labels))
    if segmenting.value_limits:
        yield names.VALUED
    yield from (names.value_count(place) for place, _ in enumerate(segmenting.value_limits))


def _group(row: Row, segmenting: Segmenting) -> tuple[GroupKey, dict[str, Tally]]:
    """A row as tallies; a sum that no line had is missing or empty."""
    counts = {name: float(row.get(name) or 0) for name in _counts(segmenting)}
    pairs = {
        keys.ERRORS: (names.PARTS, names.FAILED),
        keys.P50: (names.TIMED, names.OVER_P50),
        keys.P99: (names.TIMED, names.OVER_P99),
        keys.SCORE: (names.SCORED, names.SCORES),
    }
    labels, limits = enumerate(segmenting.labels), enumerate(segmenting.value_limits)
    pairs |= {keys.label_key(label): (names.LABELED, names.label_count(place)) for place, label in labels}
    pairs |= {keys.value_key(limit): (names.VALUED, names.value_count(place)) for place, limit in limits}
    tallies = {key: Tally(counts.get(n, 0), counts.get(total, 0)) for key, (n, total) in pairs.items()}
    key = GroupKey(*(int(float(row[f"segment.{name}"])) for name in _KEY))
    return key, {name: tally for name, tally in tallies.items() if tally.n}
