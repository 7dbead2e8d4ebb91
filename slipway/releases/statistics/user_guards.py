"""The judge's questions, asked of users: a candidate is worse, or proven, only if the variance between users agrees.

The judge's bets take outcomes as independent given their minute. Where users stay with a version, they are not.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from slipway.releases.statistics.betting import Array
from slipway.releases.statistics.clusters import NO_SAMPLE, Difference, Sample, difference, student
from slipway.releases.statistics.comparisons import Comparison, Questions
from slipway.releases.statistics.user_intervals import sequential_quantile

# The outcomes of each version at which the bounds are narrowest.
_NARROWEST = 1000.0


@dataclass(frozen=True, slots=True)
class UserFinding:
    """How far the candidate's mean is above the line of one question, with a lower and an upper bound for any look."""

    above: float
    low: float
    high: float

    @property
    def worse(self) -> bool:
        """Whether the candidate is above the line."""
        return self.low > 0

    @property
    def fine(self) -> bool:
        """Whether the candidate is on the line or under it."""
        return self.high < 0

    @property
    def sentence(self) -> str:
        """The finding, for people."""
        where = "above" if self.above > 0 else "under"
        if self.worse or self.fine:
            return f"by users {where} the line too, at {100 * self.above:+.3g} points"
        return f"by users {100 * self.low:+.3g} to {100 * self.high:+.3g} points from the line, which is open"


def ask_users(
    asked: Questions, candidate: Mapping[str, Sample], stable: Mapping[str, Sample]
) -> dict[int, UserFinding]:
    """The finding on each row whose outcomes are counted by bucket for both versions, and by more than one bucket."""
    found = {}
    for index, row in enumerate(asked.rows):
        ours, theirs = candidate.get(row.key), stable.get(row.key, None if row.ratio else NO_SAMPLE)
        if ours is None or theirs is None:
            continue
        above, low, high = bounds(
            row, ours, theirs, alpha=asked.alpha / len(asked.indices(row.metric)), beta=asked.beta
        )
        if math.isfinite(low):
            found[index] = UserFinding(float(above), float(low), float(high))
    return found


def bounds(
    row: Comparison, candidate: Sample, stable: Sample, *, alpha: float, beta: float
) -> tuple[Array, Array, Array]:
    """The candidate's mean less the line, and its bounds, infinite while users cannot be compared.

    The lower bound is too high, at any look, with probability at most ``alpha``, and the upper one too low with
    probability at most ``beta``.
    """
    ours, theirs = (candidate.flipped, stable.flipped) if row.flipped else (candidate, stable)
    found = difference(ours, theirs, ratio=row.ratio)
    above = found.value - row.margin
    spread = ours.one_variance + row.ratio**2 * theirs.one_variance
    low, high = (above - _radius(found, spread, alpha), above + _radius(found, spread, beta))
    return above, low, high


def _radius(found: Difference, spread: Array, error: float) -> Array:
    """The distance that a one-sided error leaves: an interval of two sides with twice the error."""
    quantile = sequential_quantile(found, spread, 2 * error, planned=_NARROWEST)
    radius: Array = np.where(np.isfinite(found.variance), student(quantile, found.degrees) * found.error, np.inf)
    return radius
