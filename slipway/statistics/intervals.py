"""Confidence intervals for one mean: for a single look, and for any number of looks.

An interval for any number of looks is a confidence sequence: with probability ``1 - alpha`` it covers the mean at every
look. docs/accuracy.md derives each and says what it assumes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from slipway.statistics.betting import Array

NORMAL = NormalDist()
_GRID = 1001
_HALVINGS = 50
# The largest share of its capital that `betting_interval` stakes at once.
_MOST_STAKED = 0.5
_PIECE = 512
# The number of units at which the asymptotic confidence sequence is narrowest.
_PLANNED_UNITS = 50


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the interval around it."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the distance of the ends."""
        return (self.high - self.low) / 2

    def clipped(self, low: float, high: float) -> "Interval":
        """The part of the interval that is possible."""
        return Interval(*(min(max(each, low), high) for each in (self.value, self.low, self.high)))


def wilson_interval(right: float, n: float, alpha: float) -> Interval:
    """Wilson's score interval of a share for one look, for independent outcomes; (0, 1) without any."""
    if n <= 0:
        return Interval(math.nan, 0.0, 1.0)
    z2 = NORMAL.inv_cdf(1 - alpha / 2) ** 2
    share = right / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    radius = math.sqrt(z2) / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Interval(share, max(centre - radius, 0.0), min(centre + radius, 1.0))


def share_interval(right: float, n: float, alpha: float) -> Interval:
    """A confidence sequence of a share, from counts alone, for independent outcomes; exact, valid at any look.

    It holds the shares m at which the mixture of bets ``B(s + ½, n - s + ½) / B(½, ½) / (m^s (1 - m)^(n - s))`` has
    won less than ``1 / alpha`` (H. Robbins, 1970; I. Waudby-Smith and A. Ramdas, 2024, section 4).
    """
    if n <= 0:
        return Interval(math.nan, 0.0, 1.0)
    mixed = _log_beta(right + 0.5, n - right + 0.5) - _log_beta(0.5, 0.5)

    def is_refuted(m: float) -> bool:
        return mixed - _weighed(right, m) - _weighed(n - right, 1 - m) >= math.log(1 / alpha)

    share = right / n
    low = 0.0 if not is_refuted(0.0) else _border(0.0, share, is_refuted)
    high = 1.0 if not is_refuted(1.0) else _border(1.0, share, is_refuted)
    return Interval(share, low, high)


def betting_interval(values: Sequence[float] | Array, alpha: float, *, low: float = 0.0, high: float = 1.0) -> Interval:
    """A confidence sequence of the mean of bounded values in their order; exact, valid at any look.

    It is the hedged capital process of I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by
    betting" (Journal of the Royal Statistical Society B, 2024), theorem 3, over a grid of means. The values' mean,
    given those before, must not change; they need not be independent otherwise.
    """
    found = (np.asarray(values, dtype=np.float64) - low) / (high - low)
    if not len(found):
        return Interval(math.nan, low, high)
    grid = (np.arange(_GRID) + 0.5) / _GRID
    capital, most = np.zeros((2, _GRID)), np.full(_GRID, -np.inf)
    stakes = _plug_in_stakes(found, alpha)
    for first in range(0, len(found), _PIECE):
        x, stake = found[first : first + _PIECE, None], stakes[first : first + _PIECE, None]
        above = np.minimum(stake, _MOST_STAKED / grid)
        below = np.minimum(stake, _MOST_STAKED / (1 - grid))
        up = capital[0] + np.cumsum(np.log1p(above * (x - grid)), axis=0)
        down = capital[1] + np.cumsum(np.log1p(-below * (x - grid)), axis=0)
        most = np.maximum(most, np.maximum(up, down).max(axis=0))
        capital = np.stack([up[-1], down[-1]])
    kept = grid[most + math.log(0.5) < math.log(1 / alpha)]
    mean = float(found.mean())
    # Half a step of the grid more on each side, so that the grid costs width and not validity.
    least, greatest = (kept[0], kept[-1]) if len(kept) else (mean, mean)
    ends = max(least - 0.5 / _GRID, 0.0), min(greatest + 0.5 / _GRID, 1.0)
    return Interval(*(low + (high - low) * each for each in (mean, *ends)))


def bernstein_interval(
    values: Sequence[float] | Array, alpha: float, *, low: float = 0.0, high: float = 1.0
) -> Interval:
    """The same in closed form, and somewhat wider: theorem 2 of the same paper, for long series.

    It is the predictable plug-in empirical Bernstein confidence sequence, at its last look.
    """
    found = (np.asarray(values, dtype=np.float64) - low) / (high - low)
    if not len(found):
        return Interval(math.nan, low, high)
    stakes = np.minimum(_plug_in_stakes(found, alpha), _MOST_STAKED)
    before = _means_before(found)
    psi = (-np.log1p(-stakes) - stakes) / 4
    radius = (math.log(2 / alpha) + float((4 * (found - before) ** 2 * psi).sum())) / float(stakes.sum())
    centre = float((stakes * found).sum() / stakes.sum())
    ends = max(centre - radius, 0.0), min(centre + radius, 1.0)
    return Interval(*(low + (high - low) * each for each in (centre, *ends)))


def clustered_interval(totals: Array, counts: Array, alpha: float, *, any_time: bool) -> Interval:
    """The interval of a mean over records that depend on each other within units, such as hours.

    It is the ratio of sums (W. G. Cochran, 1977, section 9.7), with the jackknife variance between units and Student's
    quantile for their effective number; for any number of looks, the asymptotic confidence sequence of
    `sequential_quantile`.

    Args:
        totals: the sum of each unit's values.
        counts: the number of each unit's values.
        alpha: the error probability.
        any_time: whether it may be looked at any number of times.
    """
    used = counts > 0
    totals, counts = totals[used], counts[used]
    units, size = len(counts), float(counts.sum())
    if units == 0:
        return Interval(math.nan, -math.inf, math.inf)
    mean = float(totals.sum()) / size
    if units == 1:
        return Interval(mean, -math.inf, math.inf)
    # The jackknife: units that hold much of the whole have pulled the mean towards themselves.
    rest = (totals - mean * counts) / (1 - counts / size)
    error = math.sqrt(float((rest**2).sum()) * (units - 1) / units) / size
    effective = size**2 / float((counts**2).sum())
    z = sequential_quantile(units, alpha) if any_time else NORMAL.inv_cdf(1 - alpha / 2)
    radius = student_quantile(z, max(effective - 1, 1.0)) * error
    return Interval(mean, mean - radius, mean + radius)


def sequential_quantile(n: float, alpha: float, *, planned: float = _PLANNED_UNITS) -> float:
    """The number of standard errors that a mean of ``n`` values leaves, at any look, with probability ``alpha``.

    It is the asymptotic confidence sequence of I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas,
    "Time-uniform central limit theory and asymptotic confidence sequences" (Annals of Statistics, 2024), theorem 2.2.
    It is narrowest at ``planned`` values.
    """
    tuned = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned
    grown = n * tuned + 1
    return math.sqrt(grown / (n * tuned) * math.log(grown / alpha**2))


def student_quantile(z: float, degrees: float) -> float:
    """The quantile of Student's t at the probability of the normal quantile ``z``, by D. L. Wallace (1959)."""
    shrunk = (8 * degrees + 3) / (8 * degrees + 1)
    return math.sqrt(degrees * math.expm1(min((z * shrunk) ** 2 / degrees, 600.0)))


def _plug_in_stakes(values: Array, alpha: float) -> Array:
    """Stakes that only depend on the values before: equation 26 of the paper."""
    times = np.arange(1, len(values) + 1)
    means = (0.5 + np.cumsum(values)) / (times + 1)
    variances = (0.25 + np.cumsum((values - means) ** 2)) / (times + 1)
    before = np.concatenate([[0.25], variances[:-1]])
    stakes: Array = np.sqrt(2 * math.log(2 / alpha) / (before * times * np.log1p(times)))
    return stakes


def _means_before(values: Array) -> Array:
    times = np.arange(1, len(values) + 1)
    before: Array = np.concatenate([[0.5], ((0.5 + np.cumsum(values)) / (times + 1))[:-1]])
    return before


def _border(refuted: float, kept: float, is_refuted: Callable[[float], bool]) -> float:
    """The border between a refuted mean and one that is not, on the refuted side."""
    for _ in range(_HALVINGS):
        middle = (refuted + kept) / 2
        refuted, kept = (middle, kept) if is_refuted(middle) else (refuted, middle)
    return refuted


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _weighed(count: float, probability: float) -> float:
    """``count * log(probability)``, which is 0 for a count of 0."""
    if count == 0:
        return 0.0
    return count * math.log(probability) if probability > 0 else -math.inf
