"""The evidence that accuracy has fallen: three streams of bets, whose mean is one test that is valid at any look.

They bet against "nothing has changed": that each unit has the accuracy of the validation records, as far as these and
the units before tell it. docs/accuracy.md derives it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from slipway.models.measurements.calibration import Array, Calibration
from slipway.monitoring.accuracy.drawing import chance
from slipway.monitoring.accuracy.labelled_table import made_at
from slipway.monitoring.accuracy.measured import is_right
from slipway.monitoring.captures.reading import start_of_hour
from slipway.monitoring.steps import Labelled
from slipway.statistics.falling import bet, log_capital, no_capital

ESTIMATED, DRAWN, FEEDBACK = "estimated", "drawn", "feedback"
WEIGHTS = {ESTIMATED: 0.1, DRAWN: 0.5, FEEDBACK: 0.4}
"""The streams, and the share of the first capital that each gets."""

# Drawn labels of one hour are bet on in blocks, so that many at once count for more than one bet.
_BLOCK = 3
_MOST_BLOCKS = 6


@dataclass(frozen=True, slots=True)
class Hour:
    """The captures of one hour: their number, those with a score, and the sum of their probabilities."""

    records: float = 0.0
    scored: float = 0.0
    expected: float = 0.0

    def __add__(self, other: "Hour") -> "Hour":
        return Hour(self.records + other.records, self.scored + other.scored, self.expected + other.expected)

    @property
    def mean(self) -> float | None:
        """The estimated accuracy; None without scores."""
        return self.expected / self.scored if self.scored else None


@dataclass(frozen=True, slots=True)
class Reference:
    """The accuracy on the validation records, and how many independent records would measure it as well."""

    accuracy: float
    records: float

    @classmethod
    def of(cls, calibration: Calibration) -> "Reference":
        """The reference of a version."""
        return cls(calibration.accuracy, calibration.records / calibration.dispersion)


@dataclass(frozen=True, slots=True)
class Stream:
    """One bet on accuracy: the logarithms of its capital by stake, and the number and sum of what it has seen.

    ``run`` is the number and sum since the capital last stood at a loss: what it was won by.
    """

    capital: Array
    seen: tuple[float, float] = (0.0, 0.0)
    run: tuple[float, float] = (0.0, 0.0)

    @property
    def log_capital(self) -> float:
        """The logarithm of the capital of all stakes together: an e-process."""
        return log_capital(self.capital)

    @property
    def run_mean(self) -> float:
        """The accuracy in the run; NaN outside of one."""
        return self.run[1] / self.run[0] if self.run[0] else math.nan

    def line(self, reference: Reference) -> float:
        """What the next unit is to be if nothing has changed: the mean of the reference and of all before it."""
        n, total = self.seen
        return (reference.accuracy * reference.records + total) / (reference.records + n)

    def after(self, unit: "Unit", reference: Reference) -> "Stream":
        """The stream after one unit."""
        line = self.line(reference)
        if unit.highest <= line:
            return self
        added = (unit.n, unit.n * unit.value)
        grown = bet(self.capital, unit.value, line=line, highest=unit.highest)
        run = _sum(self.run, added) if log_capital(grown) > 0 else (0.0, 0.0)
        return Stream(grown, _sum(self.seen, added), run)


@dataclass(frozen=True, slots=True)
class Unit:
    """What is bet on at once: the accuracy of ``n`` independent records, and the greatest that it could have been."""

    value: float
    n: float
    highest: float = 1.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """The streams, by name."""

    streams: Mapping[str, Stream]

    @classmethod
    def none(cls) -> "Evidence":
        """The evidence before the first period."""
        return cls({name: Stream(no_capital()) for name in WEIGHTS})

    @property
    def total(self) -> float:
        """The logarithm of the streams' mean capital, by weight: an e-process, since each of them is one."""
        logs = np.array([self.streams[name].log_capital + math.log(weight) for name, weight in WEIGHTS.items()])
        return float(logs.max() + math.log(np.exp(logs - logs.max()).sum()))

    @property
    def strongest(self) -> str:
        """The stream with the most capital."""
        return max(WEIGHTS, key=lambda name: self.streams[name].log_capital + math.log(WEIGHTS[name]))

    def after(self, name: str, unit: Unit, reference: Reference) -> "Evidence":
        """The evidence after one unit of a stream."""
        return Evidence({**self.streams, name: self.streams[name].after(unit, reference)})

    def has_fallen(self, reference: Reference, *, max_drop: float, false_alarms: float) -> bool:
        """Whether accuracy has fallen, and by more than ``max_drop`` in what shows it."""
        is_large = self.streams[self.strongest].run_mean < reference.accuracy - max_drop
        return is_large and self.total >= -math.log(false_alarms)


def of_estimate(hour: Hour, calibration: Calibration) -> Unit | None:
    """The estimated accuracy of some captures; None without scores."""
    return None if hour.mean is None else Unit(hour.mean, hour.scored / calibration.dispersion_of(hour.scored))


def of_feedback(
    hour: Hour, labelled: Sequence[Labelled], calibration: Calibration, *, representative: bool
) -> Unit | None:
    """The greatest accuracy of an hour that its labels leave possible: what has no label counts as right.

    Of representative labels, it is their share of right ones; None without any.
    """
    missing = 0.0 if representative else max(hour.records - len(labelled), 0.0)
    records = len(labelled) + missing
    if not records:
        return None
    right = sum(map(is_right, labelled))
    return Unit((right + missing) / records, records / calibration.dispersion_of(records))


def _sum(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]


def units_of_drawn(
    new: Iterable[Labelled],
    hours: Mapping[datetime, Hour],
    calibration: Calibration,
    *,
    scale: float,
) -> list[Unit]:
    """The drawn labels that are new, in blocks of one hour each, in the order of hours and of chance.

    ``scale`` is the mean of one over the probability of all that were drawn. An hour whose captures are not known any
    more is measured by its labels alone, and others by their scores, too.
    """
    by_hour: dict[datetime, list[Labelled]] = {}
    for each in sorted(new, key=lambda each: (made_at(each), chance(each.id, "order"))):
        by_hour.setdefault(start_of_hour(made_at(each)), []).append(each)
    units = []
    for hour, labelled in by_hour.items():
        size = max(_BLOCK, math.ceil(len(labelled) / _MOST_BLOCKS))
        blocks = [labelled[first : first + size] for first in range(0, len(labelled), size)]
        units += [_block(block, hours.get(hour, Hour()).mean, calibration, scale) for block in blocks]
    return units


def _block(labelled: Sequence[Labelled], mean: float | None, calibration: Calibration, scale: float) -> Unit:
    weights = np.array([1 / (each.probability or 1.0) for each in labelled]) / scale
    right = np.array([is_right(each) for each in labelled], dtype=float)
    known = mean if mean is not None and all(each.score is not None for each in labelled) else None
    expected = np.zeros(len(labelled)) if known is None else expected_of(labelled, calibration)
    base = known or 0.0
    value = base + float((weights * (right - expected)).mean())
    return Unit(value, float(len(labelled)), highest=base + float((weights * (1 - expected)).mean()))


def expected_of(labelled: Sequence[Labelled], calibration: Calibration) -> Array:
    """The probability of each to be right by its score, or the accuracy on the validation records without one."""
    found = [
        calibration.accuracy if each.score is None else calibration.probability(_label(each), each.score)
        for each in labelled
    ]
    return np.array(found, dtype=float)


def _label(labelled: Labelled) -> str:
    return labelled.predicted if isinstance(labelled.predicted, str) else ""
