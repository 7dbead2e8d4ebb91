"""Sums of calibrated scores in a profile, of which accuracy is estimated without reading captures again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from slipway.config.releases.segments import SegmentConfig
from slipway.models.measurements.baseline import Categories
from slipway.models.measurements.calibration import Array, Calibration
from slipway.models.package import Package
from slipway.models.prediction.labels import confidence_of
from slipway.monitoring.accuracy.labels import OTHERS, segment_values
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.steps import Summing

_DIGITS = 12
_PARTS = 3


@dataclass(frozen=True, slots=True)
class ScoreSums:
    """By cell of the calibration: the captures, the sum of their probabilities to be right, and that of the squares.

    ``unscored`` captures have no score, such as those of older code.
    """

    counts: Array
    totals: Array
    squares: Array
    unscored: float = 0.0

    @property
    def n(self) -> float:
        """The captures with a score."""
        return float(self.counts.sum())

    @property
    def total(self) -> float:
        """The sum of all probabilities."""
        return float(self.totals.sum())

    @property
    def mean(self) -> float:
        """The mean probability; NaN without captures."""
        return self.total / self.n if self.n else float("nan")

    @property
    def variance(self) -> float:
        """The variance of the probabilities among the captures."""
        return max(float(self.squares.sum()) / self.n - self.mean**2, 0.0) if self.n else 0.0

    def __add__(self, other: "ScoreSums") -> "ScoreSums":
        return ScoreSums(
            self.counts + other.counts,
            self.totals + other.totals,
            self.squares + other.squares,
            self.unscored + other.unscored,
        )

    @classmethod
    def of_vector(cls, vector: Sequence[float]) -> "ScoreSums":
        """Read a vector of `ScoreSumming`."""
        *cells, unscored = vector
        counts, totals, squares = np.array(cells, dtype=np.float64).reshape(_PARTS, -1)
        return cls(counts, totals, squares, float(unscored))


@dataclass(frozen=True, slots=True)
class SegmentGroups:
    """The groups of each segment: the baseline's most frequent values, and all others together."""

    segments: tuple[SegmentConfig, ...]
    values: Mapping[str, tuple[str, ...]]

    def of(self, segments: Mapping[str, str], name: str) -> str:
        """The group of a record, given the values that its segments have."""
        value = segments.get(name, OTHERS)
        return value if value in self.values[name] else OTHERS


def segment_groups(package: Package, segments: Sequence[SegmentConfig]) -> SegmentGroups:
    """The groups of the segments whose input a version takes."""
    values = {}
    for each in segments:
        summary = package.baseline.inputs.get(each.input)
        known = summary.shares if isinstance(summary, Categories) else {}
        frequent = sorted(known, key=lambda value: -known[value])[: each.most]
        if summary is not None:
            values[each.input] = (*(each.values or frequent), OTHERS)
    return SegmentGroups(tuple(each for each in segments if each.input in values), values)


def vector_name(calibration: Calibration, segment: str = "", value: str = "") -> str:
    """The name of a vector in a profile: only those of one calibration add up."""
    named = f"scores.{calibration.digest[:_DIGITS]}"
    return f"{named}.{segment}={value}" if segment else named


class ScoreSumming:
    """A `Summing` of the captures of a version, or of those in one group of a segment."""

    def __init__(self, calibration: Calibration, group: tuple[SegmentGroups, str, str] | None = None) -> None:
        self._calibration = calibration
        self._group = group
        self.name = vector_name(calibration, *(group[1:] if group else ()))
        self._first, self._cells = cells_of(calibration)

    def add(self, captures: Sequence[Capture]) -> Sequence[float]:
        kept = [capture for capture in captures if self._is_of_group(capture)]
        scores = [(str(capture.outputs.get("label", "")), confidence_of(capture.outputs)) for capture in kept]
        scored = [(label, score) for label, score in scores if score is not None]
        found = self.add_scores([label for label, _ in scored], np.array([score for _, score in scored], dtype=float))
        return [*found, float(len(kept) - len(scored))]

    def add_scores(self, labels: Sequence[str], scores: Array) -> list[float]:
        """The sums of answers by label and score, without the number of those that have none."""
        calibration = self._calibration
        cells = np.zeros(len(scores), dtype=np.intp)
        names = np.array([calibration.curve_name(label) for label in labels], dtype=object)
        for name, first in self._first.items():
            there = names == name
            cells[there] = first + calibration.curves[name].cells(scores[there])
        found = calibration.probabilities(labels, scores)
        parts = (np.ones_like(found), found, found**2)
        return [float(each) for part in parts for each in np.bincount(cells, weights=part, minlength=self._cells)]

    def _is_of_group(self, capture: Capture) -> bool:
        if self._group is None:
            return True
        groups, name, value = self._group
        return groups.of(segment_values(capture.inputs, groups.segments), name) == value


def cells_of(calibration: Calibration) -> tuple[dict[str, int], int]:
    """The place of each curve's first cell in a vector, and the number of all cells."""
    first, place = {}, 0
    for name in sorted(calibration.curves):
        first[name] = place
        place += len(calibration.curves[name].counts)
    return first, place


def score_summing(package: Package, segments: Sequence[SegmentConfig] = ()) -> list[Summing]:
    """What a profile of a version adds up for its accuracy; nothing without a calibration."""
    calibration = package.calibration
    if calibration is None:
        return []
    groups = segment_groups(package, segments)
    parts = [(groups, name, value) for name, values in groups.values.items() for value in values]
    return [ScoreSumming(calibration), *(ScoreSumming(calibration, part) for part in parts)]


def read_sums(
    calibration: Calibration, profiles: Iterable[Mapping[str, tuple[float, ...]]], segment: str = "", value: str = ""
) -> ScoreSums:
    """The sums of some profiles, given their `sums`; those of another calibration count as nothing."""
    name, (_, cells) = vector_name(calibration, segment, value), cells_of(calibration)
    none = ScoreSums(np.zeros(cells), np.zeros(cells), np.zeros(cells))
    return sum((ScoreSums.of_vector(sums[name]) for sums in profiles if name in sums), none)
