"""The days of a recording by month, and the same days with labels that lie."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from slipway.cli.local.recording import Hour, hours_of, read_recording
from slipway.cli.predict_input import Described
from slipway.features.definitions import FeatureDefinitions

YEAR = 2013


@dataclass(frozen=True, slots=True)
class Day:
    """The hours of a day in which something happened."""

    date: date
    hours: tuple[Hour, ...]

    def in_blocks(self, hours: int) -> "Day":
        """Merge the hours of the day into blocks of ``hours``, whose records read the newest features of the block."""
        blocks = groupby(self.hours, key=lambda hour: hour.start.hour // hours)
        return replace(self, hours=tuple(_joined(list(own)) for _, own in blocks))

    def flipped(self, opposite: dict[Any, Any]) -> "Day":
        """The day with the opposite labels, as a broken feed would give them."""
        return replace(self, hours=tuple(_flipped(hour, opposite) for hour in self.hours))


def days_by_month(
    folder: Path, version: Described, definitions: FeatureDefinitions, *, since: int
) -> dict[int, list[Day]]:
    """The days from the month ``since`` on; raises InputError as `hours_of` does."""
    span = {"since": datetime(YEAR, since, 1, tzinfo=UTC), "until": datetime(YEAR + 1, 1, 1, tzinfo=UTC)}
    hours = hours_of(folder, read_recording(folder), version, definitions, **span)
    found: dict[int, list[Day]] = defaultdict(list)
    for day, own in groupby(hours, key=lambda hour: hour.start.date()):
        found[day.month].append(Day(day, tuple(own)))
    return dict(found)


def _joined(hours: Sequence[Hour]) -> Hour:
    writes = [write for hour in hours for write in hour.writes]
    return Hour(hours[0].start, writes, [record for hour in hours for record in hour.records])


def every(days: Sequence[Day], step: int) -> Iterator[Day]:
    """Every ``step``-th day, and then the days that were skipped."""
    for first in range(step):
        yield from days[first::step]


def _flipped(hour: Hour, opposite: dict[Any, Any]) -> Hour:
    return Hour(hour.start, hour.writes, [replace(each, label=opposite[each.label]) for each in hour.records])
