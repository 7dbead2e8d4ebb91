"""The sample size of an A/B test, and its confidence intervals at the planned end and at any time before."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from slipway.config.releases.options import AbTest
from slipway.releases.evidence.tallies import Tally
from slipway.statistics.betting import Array

NORMAL = NormalDist()
# The share of the error probability that looks before the planned end may spend; the look at the end has the rest.
_EARLY = 0.2
# The fewest outcomes per arm at which looks before the end use the normal approximation.
BURN_IN = 200


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference of means, candidate minus stable, and its confidence interval."""

    difference: float
    low: float
    high: float
    confidence: float

    @property
    def sentence(self) -> str:
        """The interval, for people."""
        bounds = f"{self.low:+.4f} to {self.high:+.4f}"
        return f"a difference of {self.difference:+.4f}, {100 * self.confidence:.4g} % interval {bounds}"


def sample_size(options: AbTest, *, arms: int = 2) -> int:
    """The outcomes per arm needed to detect ``effect`` above ``baseline`` at the configured power.

    It uses the normal approximation for two proportions (J. L. Fleiss, B. Levin and M. C. Paik, Statistical Methods for
    Rates and Proportions, 3rd ed., 2003, chapter 4, without continuity correction). Each candidate is compared with the
    stable version. The error probability left for the look at the end is split over the candidates.
    """
    low, high = options.baseline, options.baseline + options.effect
    mean = (low + high) / 2
    decided = NORMAL.inv_cdf(1 - final_alpha(options, arms=arms) / 2) * math.sqrt(2 * mean * (1 - mean))
    powered = NORMAL.inv_cdf(options.power) * math.sqrt(low * (1 - low) + high * (1 - high))
    return math.ceil(((decided + powered) / options.effect) ** 2)


def final_alpha(options: AbTest, *, arms: int) -> float:
    """The error probability that the look at the planned end may spend on each candidate."""
    return options.alpha * (1 - _EARLY if options.sequential else 1) / (arms - 1)


def early_alpha(options: AbTest, *, arms: int) -> float:
    """The error probability that all looks before the end together may spend on each candidate."""
    return options.alpha * _EARLY / (arms - 1)


def fixed_interval(candidate: Tally, stable: Tally, alpha: float) -> Interval:
    """The interval for a look at a planned time, by the normal approximation."""
    return _interval(candidate, stable, NORMAL.inv_cdf(1 - alpha / 2) * _deviation(candidate, stable), alpha)


def running_interval(candidate: Tally, stable: Tally, alpha: float, *, planned: int) -> Interval | None:
    """The interval that is valid at all looks simultaneously; None while there are too few outcomes.

    It is the normal mixture of H. Robbins (1970) with estimated variances, as a confidence sequence of I. Waudby-Smith
    et al. (2024), tuned to be narrowest at ``planned`` outcomes per arm.
    """
    if min(candidate.n, stable.n) < BURN_IN:
        return None
    deviation = _deviation(candidate, stable)
    if deviation == 0:
        return None
    radius = mixture_radius(np.array(deviation**2), np.array(candidate.variance + stable.variance), alpha, planned)
    return _interval(candidate, stable, float(radius), alpha)


def running_radius(candidate: tuple[Array, Array], stable: tuple[Array, Array], alpha: float, *, planned: int) -> Array:
    """Half the width of `running_interval` for many pairs of binary counts; infinite where there is no interval."""
    (n, ours), (m, theirs) = ((count, total / np.maximum(count, 1)) for count, total in (candidate, stable))
    spreads = ours * (1 - ours), theirs * (1 - theirs)
    squared = spreads[0] / np.maximum(n, 1) + spreads[1] / np.maximum(m, 1)
    known = (np.minimum(n, m) >= BURN_IN) & (squared > 0)
    radius = mixture_radius(
        np.where(known, squared, 1.0), np.where(known, spreads[0] + spreads[1], 1.0), alpha, planned
    )
    return np.where(known, radius, np.inf)


def mixture_radius(squared: Array, spread: Array, alpha: float, planned: float) -> Array:
    """Robbins' radius from the variance of the difference and the sum of the variances of one outcome per arm."""
    information = 1 / squared
    tuned = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / (planned / spread)
    grown = 1 + information * tuned
    radius: Array = np.sqrt(grown / (information**2 * tuned) * np.log(grown / alpha**2))
    return radius


def _deviation(candidate: Tally, stable: Tally) -> float:
    return math.sqrt(sum(tally.variance / tally.n if tally.n else math.inf for tally in (candidate, stable)))


def _interval(candidate: Tally, stable: Tally, radius: float, alpha: float) -> Interval:
    difference = candidate.mean - stable.mean
    return Interval(difference, difference - radius, difference + radius, 1 - alpha)
