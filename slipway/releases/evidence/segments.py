"""Sum the segment lines of serving processes up, with one query of their log for each look."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from slipway.aws.log_queries import Row
from slipway.errors import UnavailableError
from slipway.monitoring.telemetry import segments as names
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Grouped, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.routing.segments import GroupKey, Segmenting

_LOG = logging.getLogger("slipway")
# A line can be searched some time after it was written, and one that is missed now is never read again.
_SETTLED = timedelta(minutes=1)
_MOST_ROWS = 10_000
_KEY = ("version", "segment", "group")

LogQuery = Callable[[str, datetime, datetime], list[Row]]
"""Runs a query on the log of the release's model between two times; raises UnavailableError."""


def with_groups(record: ReleaseRecord, last: Window, query: LogQuery) -> Window:
    """The last window with what the groups add. A log that cannot be read is read later; nothing is decided on it."""
    segmenting, since = record.segmenting, record.grouped_until or record.running_since
    until = last.end - _SETTLED
    if segmenting is None or since is None or since >= until:
        return last
    try:
        rows = query(segment_query(segmenting), since, until)
    except UnavailableError as error:
        _LOG.warning("release %s: segments are counted later: %s", record.id, error)
        return last
    groups = {key: tallies for key, tallies in (_group(row, segmenting) for row in rows) if tallies}
    return replace(last, grouped=Grouped(until, groups))


def segment_query(segmenting: Segmenting) -> str:
    """The query of CloudWatch Logs Insights that sums up a release's lines by group."""
    sums = ", ".join(f"sum(segment.{name}) as {name}" for name in _counts(segmenting))
    by = ", ".join(f"segment.{name}" for name in _KEY)
    return f'filter segment.tag = "{segmenting.tag}" | stats {sums} by {by} | limit {_MOST_ROWS}'


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
