"""Replay: the features that predictions were made with, against the history at each prediction's time."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.features.history.rows import HistoryRow
from slipway.features.history.timeline import Timeline
from slipway.monitoring.skew.fields import ServedGroup

# A float that went through 32 bits keeps 24 bits of its fraction: an error of 6e-8.
TOLERANCE = 1e-6
RACE_SECONDS = 5.0
SHOWN = 1000
"""The differences that a replay keeps; it counts all of them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A feature that a prediction was made with, and what it should have been.

    ``written_at`` is the time of the write that the expected value is from, in milliseconds; None for a default or a
    missing row. ``place`` is the record of an offline file.
    """

    feature: str
    served: Any
    expected: Any
    row: ServedGroup
    written_at: int | None = None
    place: str | None = None


@dataclass(slots=True)
class Replay:
    """The result of comparing the features of predictions.

    Attributes:
        rows: the rows of features that were compared: one for each prediction and group.
        values: the values in them.
        raced: rows that are what the store had within some seconds of the prediction, but not at its time.
        unknown: rows of which there is nothing to compare with.
        differing: rows with a feature that differs.
        features: the differing values of each feature, by `group.feature`.
        differences: the first of them.
    """

    rows: int = 0
    values: int = 0
    raced: int = 0
    unknown: int = 0
    differing: int = 0
    features: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def add(self, row: ServedGroup, differences: list[Difference]) -> None:
        """Count a compared row."""
        self.rows += 1
        self.values += len(row.values)
        self.differing += bool(differences)
        self.features.update(f"{row.group}.{each.feature}" for each in differences)
        self.differences += differences[: SHOWN - len(self.differences)]


def replay(
    served: Iterable[ServedGroup],
    timelines: Mapping[tuple[str, str], Timeline],
    *,
    tolerance: float = TOLERANCE,
    race_seconds: float = RACE_SECONDS,
) -> Replay:
    """Compare each row with what the store had at the prediction's time.

    A row that differs is *raced* if the store had just that within ``race_seconds`` of the prediction: clocks differ,
    and reads are eventually consistent. A row is unknown if the history has nothing of its entity by then.

    Args:
        timelines: by group and id.
        tolerance: relative, of floats.
    """
    found, margin = Replay(), round(race_seconds * 1000)
    for row in served:
        line = timelines.get((row.group, row.id))
        stored = None if line is None else line.as_of(row.time)
        differences = _differences(row, stored, tolerance)
        if differences and _is_raced(row, line, margin, tolerance):
            found.raced += 1
            differences = []
        elif differences and (line is None or not line.begins_by(row.time)):
            found.unknown += 1
            continue
        found.add(row, differences)
    return found


def _is_raced(row: ServedGroup, line: Timeline | None, margin: int, tolerance: float) -> bool:
    if line is None:
        return False
    states = line.during(row.time - margin, row.time + margin)
    return any(not _differences(row, state, tolerance) for state in states)


def _differences(row: ServedGroup, stored: HistoryRow | None, tolerance: float) -> list[Difference]:
    expected = {**row.of.defaults, **(stored.values if stored else {})}
    written = None if stored is None else stored.written_at
    return [
        Difference(name, value, expected.get(name), row, written)
        for name, value in row.values.items()
        if not same_value(value, expected.get(name), tolerance)
    ]


def same_value(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two values are the same; floats within a relative ``tolerance``. None is a missing value."""
    if isinstance(one, bool) or isinstance(other, bool) or not _are_numbers(one, other):
        return type(one) is type(other) and one == other
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=0.0)


def _are_numbers(one: Any, other: Any) -> bool:
    return isinstance(one, int | float) and isinstance(other, int | float)
