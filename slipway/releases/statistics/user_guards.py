"""The judge's questions, asked of users: a candidate is worse, or proven, only if the variance between users agrees.

The judge's bets take outcomes as independent given their minute. Where users stay with a version, they are not.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from slipway.releases.statistics.clusters import NO_SAMPLE, Difference, Sample, difference, student
from slipway.releases.statistics.comparisons import Comparison, Questions
from slipway.releases.statistics.user_intervals import sequential_quantile
from slipway.statistics.betting import Array

# The outcomes of each version at which the bounds are narrowest.
_NARROWEST = 1000.0


@dataclass(frozen=True, slots=True)
class UserBounds:
    """How far the candidate is above a row's line at least, and how far above the line of its proof at most."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class UserEvidence:
    """The users' answer to each row; a row whose outcomes are not counted by user has none, and objects to nothing."""

    asked: Questions
    rows: Mapping[int, UserBounds]

    def agrees_worse(self, index: int) -> bool:
        """Whether the candidate is worse by users too; of a paired metric, in both rows."""
        return all(self.rows[row].low > 0 for row in self._deciding(index) if row in self.rows)

    def agrees_fine(self, index: int) -> bool:
        """Whether the candidate is proven by users too; of a paired metric, in either row."""
        known = [self.rows[row].high < 0 for row in self._deciding(index) if row in self.rows]
        return any(known) or not known

    def sentence(self, index: int) -> str:
        """The users' answer, for people."""
        known = [self.rows[row] for row in self._deciding(index) if row in self.rows]
        if not known:
            return "; not counted by user" if self.rows else ""
        low, high = min(each.low for each in known), min(each.high for each in known)
        return f"; by users between {100 * low:+.3g} and {100 * high:+.3g} points over the line"

    def _deciding(self, index: int) -> list[int]:
        metric = self.asked.rows[index].metric
        return self.asked.indices(metric) if metric in self.asked.paired else [index]


def ask_users(asked: Questions, candidate: Mapping[str, Sample], stable: Mapping[str, Sample]) -> UserEvidence:
    """The users' evidence, by each version's samples per key. Rows with users of one bucket only have none."""
    found = {}
    for index, row in enumerate(asked.rows):
        ours, theirs = candidate.get(row.key), stable.get(row.key, None if row.ratio else NO_SAMPLE)
        if ours is None or theirs is None:
            continue
        alone = row.metric in asked.paired
        alpha = asked.alpha / (1 if alone else len(asked.indices(row.metric)))
        low, high = bounds(row, ours, theirs, alpha=alpha, beta=asked.beta)
        if math.isfinite(low):
            found[index] = UserBounds(max(float(low), -1.0), min(float(high), 1.0))
    return UserEvidence(asked, found)


def bounds(row: Comparison, candidate: Sample, stable: Sample, *, alpha: float, beta: float) -> tuple[Array, Array]:
    """Bounds on the candidate's mean less the row's lines, infinite while users cannot be compared.

    The lower bound is too high, at any look, with probability at most ``alpha``, and the upper one too low with
    probability at most ``beta``.
    """
    ours, theirs = (candidate.flipped, stable.flipped) if row.flipped else (candidate, stable)
    found = difference(ours, theirs, ratio=row.ratio)
    margin_for = row.margin if row.margin_for is None else row.margin_for
    spread = ours.one_variance + row.ratio**2 * theirs.one_variance
    low = found.value - row.margin - _radius(found, spread, alpha)
    high = found.value - margin_for + _radius(found, spread, beta)
    return low, high


def _radius(found: Difference, spread: Array, error: float) -> Array:
    """The distance that a one-sided error leaves: an interval of two sides with twice the error."""
    quantile = sequential_quantile(found, spread, 2 * error, planned=_NARROWEST)
    radius: Array = np.where(np.isfinite(found.variance), student(quantile, found.degrees) * found.error, np.inf)
    return radius
