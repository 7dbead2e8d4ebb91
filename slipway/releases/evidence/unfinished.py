"""Attempts that have not ended: when a minute's are known, and whether their sums can be believed.

An attempt adds 1 to `Unfinished` when it begins and takes it away when it ends, in a line each. A log driver that is
full drops lines. Without the first of an attempt's lines, its minute's sum is one too low, and without the second, a
request that succeeded would count as a failure.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from slipway.monitoring.telemetry import metrics
from slipway.releases.evidence.queries import Query
from slipway.releases.record.document import ReleaseRecord

Values = Mapping[Query, Mapping[datetime, float]]
_MINUTE = timedelta(minutes=1)
DISTRUST = timedelta(minutes=10)
"""For how long before and after a minute whose lines were lost no attempt counts."""


def without_lost_lines(record: ReleaseRecord, values: Values) -> Values:
    """The values without the attempts, of any version, of minutes near one with a sum below zero.

    Only lost lines make such a sum, because an attempt's end is written after its beginning.
    """
    lost = [minute for query in _attempts(record) for minute, each in values.get(query, {}).items() if each < 0]
    if not lost:
        return values
    known = {
        query: {minute: each for minute, each in values[query].items() if not _is_near(lost, minute)}
        for query in _attempts(record)
        if query in values
    }
    return {**values, **known}


def complete_until(
    record: ReleaseRecord, values: Values, within: tuple[datetime, datetime], late: datetime
) -> datetime:
    """The end of the minutes whose requests have ended, or ended before ``late``.

    Otherwise a slow request that succeeds later would count as one that never ended.
    """
    start, end = within
    running = [values.get(query, {}) for query in _attempts(record)]
    while start < end and (start + _MINUTE <= late or all(found.get(start, 0.0) <= 0 for found in running)):
        start += _MINUTE
    return start


def _attempts(record: ReleaseRecord) -> list[Query]:
    return [Query(version, metrics.UNFINISHED) for version in (record.stable, *record.candidates)]


def _is_near(lost: list[datetime], minute: datetime) -> bool:
    return any(abs(minute - each) < DISTRUST for each in lost)
