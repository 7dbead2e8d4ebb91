"""Accuracy from a few labels and many calibrated scores: prediction-powered inference.

A. N. Angelopoulos, S. Bates, C. Fannjiang, M. I. Jordan and T. Zrnic (Science, 2023), with the power tuning of PPI++
(Angelopoulos, Duchi and Zrnic, 2023) and the inverse probabilities of T. Zrnic and E. J. Candès, "Active statistical
inference" (2024). Only labels of records that were drawn with known probabilities count.
"""

import math
from dataclasses import dataclass

import numpy as np

from slipway.models.measurements.calibration import Array
from slipway.statistics.intervals import NORMAL, Interval, betting_interval, student_quantile

LEAST_DRAWN = 20
"""With fewer drawn labels, the estimate is not corrected."""

# The weight of the variance that calibrated scores lead to expect, in labels, so that a few equal ones prove nothing.
_EXPECTED_WEIGHT = 4.0
# The weight of the belief that the scores are calibrated, in labels, where the power is tuned for any number of looks.
_BELIEF = 20.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """Labelled records that were drawn: 1 for a right answer, else 0, its estimated probability, and that of the draw.

    They are in an order that has nothing to do with whether they are right.
    """

    right: Array
    expected: Array
    probability: Array

    def __len__(self) -> int:
        return len(self.right)

    @property
    def weights(self) -> Array:
        """What each record stands for, with a mean of 1."""
        inverse = 1 / self.probability
        weights: Array = inverse / inverse.mean()
        return weights


@dataclass(frozen=True, slots=True)
class Population:
    """All captures of the window: their number, and the mean and variance of their estimated probabilities."""

    n: float
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class Corrected:
    """The corrected accuracy: for one look, and for any number of looks. ``power`` is the trust in the scores, 0 to 1.

    ``needed`` labels more would give an interval for one look of the wanted half-width.
    """

    once: Interval
    any_time: Interval
    power: float
    labels: int
    needed: int


def corrected_accuracy(drawn: Drawn, population: Population, *, alpha: float = 0.05, width: float = 0.02) -> Corrected:
    """The accuracy of the captures by drawn labels and scores; ``drawn`` must not be empty."""
    power = _power(drawn, population)
    weights, n = drawn.weights, len(drawn)
    value = power * population.mean + float((weights * (drawn.right - power * drawn.expected)).mean())
    spread = _spread(drawn, power)
    variance = spread / n + power**2 * population.variance / max(population.n, 1.0)
    degrees = max(weights.sum() ** 2 / np.square(weights).sum() - 1, 1.0)
    z = NORMAL.inv_cdf(1 - alpha / 2)
    radius = student_quantile(z, degrees) * math.sqrt(variance)
    once = Interval(value, value - radius, value + radius).clipped(0.0, 1.0)
    needed = math.ceil(z**2 * spread / width**2)
    return Corrected(once, _any_time(drawn, population, alpha), power, n, max(needed - n, 0))


def needed_before(population: Population, *, alpha: float = 0.05, width: float = 0.02) -> int:
    """The labels needed for an interval of half-width ``width`` before there are any, if the scores are calibrated."""
    spread = population.mean * (1 - population.mean) - population.variance
    return max(math.ceil(NORMAL.inv_cdf(1 - alpha / 2) ** 2 * max(spread, 0.0) / width**2), LEAST_DRAWN)


def _power(drawn: Drawn, population: Population) -> float:
    """The multiple of the scores that leaves the least variance, between 0 and 1."""
    weights, n = drawn.weights, len(drawn)
    right = weights * (drawn.right - float((weights * drawn.right).mean()))
    expected = weights * (drawn.expected - float((weights * drawn.expected).mean()))
    among = float(np.square(expected).mean()) + n / max(population.n, 1.0) * population.variance
    return min(max(float((right * expected).mean()) / among, 0.0), 1.0) if among > 0 else 0.0


def _spread(drawn: Drawn, power: float) -> float:
    """The variance of one weighted label, less what its score explains."""
    weights, n = drawn.weights, len(drawn)
    rest = drawn.right - power * drawn.expected
    squares = float(np.square(weights * (rest - float((weights * rest).mean()))).sum())
    expected = drawn.expected * (1 - drawn.expected)
    prior = float((np.square(weights) * expected).mean())
    return (squares * n / max(n - 1, 1) + _EXPECTED_WEIGHT * prior) / (n + _EXPECTED_WEIGHT)


def _any_time(drawn: Drawn, population: Population, alpha: float) -> Interval:
    """A betting confidence sequence of unbiased values, each with a power that only earlier labels have tuned."""
    weights, mean = drawn.weights, population.mean
    control = weights * drawn.expected - mean
    power = _power_before(weights * drawn.right - mean, control, mean)
    values = weights * drawn.right - power * control
    most = float(weights.max())
    return betting_interval(values, alpha, low=-(most - mean), high=most + mean).clipped(0.0, 1.0)


def _power_before(values: Array, control: Array, mean: float) -> Array:
    belief = _BELIEF * max(mean * (1 - mean), 1e-3) * 0.1
    joint = belief + np.concatenate([[0.0], np.cumsum(values * control)[:-1]])
    own = belief + np.concatenate([[0.0], np.cumsum(control**2)[:-1]])
    power: Array = np.clip(joint / own, 0.0, 1.0)
    return power
