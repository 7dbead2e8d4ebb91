"""Means of a bandit's arms by period, so that moving shares and rewards that swing cannot favour an arm together.

Within a period, chance alone decides which arm a request gets. So each arm's mean is taken period by period, and a
period weighs as much as it has outcomes of all arms. docs/judge.md derives the estimate and its posterior.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence.tallies import Tally
from slipway.statistics.betting import Array

LEAST = 10.0
"""The outcomes of each arm that a period needs; shorter periods are joined."""

Live = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One arm: its outcomes and rewards, its mean by periods, and the number of outcomes that the mean is worth."""

    outcomes: float
    rewards: float
    mean: float
    size: float

    @property
    def tally(self) -> Tally:
        """The equal shares' outcomes that would say as much."""
        return Tally(self.size, self.size * self.mean)


@dataclass(frozen=True, slots=True)
class Strata:
    """Sums over periods, each an array whose last axis has the arms.

    ``n`` and ``total`` are the outcomes and rewards of the period that is not complete yet, ``outcomes`` and
    ``rewards`` those of the complete ones. With N outcomes of all arms in a period, n of them of the arm, and m the
    arm's mean in it: ``weight`` is ∑ N, ``weighted`` ∑ N m, ``spread`` ∑ N²/n and ``spread_weighted`` ∑ N²/n m.
    """

    n: Array
    total: Array
    outcomes: Array
    rewards: Array
    weight: Array
    weighted: Array
    spread: Array
    spread_weighted: Array

    @classmethod
    def empty(cls, *shape: int) -> Self:
        """The sums before the first outcome."""
        return cls(*(np.zeros(shape) for _ in fields(cls)))

    def after(self, n: Array, total: Array, live: Live) -> Self:
        """The sums with more outcomes, which belong to one period.

        Args:
            n: each arm's outcomes.
            total: each arm's rewards.
            live: the arms that still compete; a period is complete when each of them has enough outcomes.
        """
        n, total = self.n + n, self.total + total
        complete = np.all((n >= LEAST) | ~live, axis=-1, keepdims=True)
        counted = complete & live
        everyone = n.sum(axis=-1, keepdims=True)
        mean = total / np.maximum(n, 1.0)
        spread = np.where(counted, everyone**2 / np.maximum(n, 1.0), 0.0)
        weight = np.where(counted, everyone, 0.0)
        return replace(
            self,
            n=np.where(complete, 0.0, n),
            total=np.where(complete, 0.0, total),
            outcomes=self.outcomes + np.where(complete, n, 0.0),
            rewards=self.rewards + np.where(complete, total, 0.0),
            weight=self.weight + weight,
            weighted=self.weighted + weight * mean,
            spread=self.spread + spread,
            spread_weighted=self.spread_weighted + spread * mean,
        )

    def run(self, number: int) -> Self:
        """One run of many."""
        return type(self)(*(getattr(self, each.name)[number] for each in fields(self)))

    def estimates(self) -> tuple[Estimate, ...]:
        """The arms of a single run."""
        mean = np.minimum(self.weighted / np.maximum(self.weight, 1.0), 1.0)
        # The mean's variance is the sum of N²/n times the mean square of x less the mean, over the square of the sum of
        # N. A Beta distribution with this mean and variance has the shape of `size` outcomes. Both variances vanish for
        # a mean of 0 or 1, and then `size` is the limit.
        square = self.spread_weighted * (1 - 2 * mean) + mean**2 * self.spread
        inside = (mean > 0) & (mean < 1)
        scale = np.where(inside, mean * (1 - mean) / np.where(inside, square, 1.0), 1 / np.maximum(self.spread, 1.0))
        columns = (self.outcomes, self.rewards, mean, self.weight**2 * scale)
        return tuple(Estimate(*arm) for arm in zip(*(each.tolist() for each in columns), strict=True))
