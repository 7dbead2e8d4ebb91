"""What a release can find out with its traffic: the least bad candidate that is found, and the time that a proof takes.

The judge's bet grows by the information divergence between the outcomes and the nearest pair of means on the line. With
rates of n and m outcomes a minute, candidate's mean c and stable mean s, that is the least n KL(c, line) + m KL(s, p)
over all p, with line = ratio p + margin. docs/judge.md has the bet.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from slipway.config.releases.options import AbTest
from slipway.releases.statistics.comparisons import DISASTER, Comparison
from slipway.releases.statistics.sample_size import sample_size
from slipway.statistics.betting import BETS

POWER = 0.8
_QUANTILE = NormalDist().inv_cdf(POWER)
_STEPS = 60
_LEAST, _MOST = 1e-9, 1 - 1e-9
_LONGEST_MINUTES = 90 * 1440.0


@dataclass(frozen=True, slots=True)
class Rates:
    """The outcomes of both sides per minute; the stable version's are infinite where its past is the reference."""

    candidate: float
    stable: float


def least_found(row: Comparison, alpha: float, rates: Rates, minutes: float, *, stable: float) -> float | None:
    """The smallest mean of the candidate that is found worse within ``minutes`` with probability `POWER`.

    None if not even a candidate whose outcomes are all bad is found.

    Args:
        row: the question.
        alpha: the error probability that the metric may spend.
        rates: the outcomes per minute.
        minutes: how long both versions have traffic.
        stable: the stable version's mean.
    """
    line = row.ratio * stable + row.margin

    def is_found(mean: float) -> bool:
        enough = minutes * row.most_of_rollback >= 1 or (row.may_be_disaster and mean >= DISASTER)
        return enough and _reaches(_per_minute(row, rates, stable, mean), minutes, math.log(BETS / alpha))

    if not is_found(_MOST):
        return None
    return _first(is_found, line, _MOST)


def minutes_to_prove(row: Comparison, beta: float, rates: Rates, *, stable: float, candidate: float) -> float | None:
    """The minutes after which a candidate of this mean is proven to be under the line with probability `POWER`.

    None if that takes longer than any release.
    """
    if candidate >= row.ratio * stable + row.margin:
        return None

    winnings = _per_minute(row, rates, stable, candidate)

    def is_proven(minutes: float) -> bool:
        return _reaches(winnings, minutes, math.log(BETS / beta))

    return _first(is_proven, 0.0, _LONGEST_MINUTES) if is_proven(_LONGEST_MINUTES) else None


def least_effect(options: AbTest, outcomes: float, *, arms: int) -> float | None:
    """The smallest difference that an A/B test with so many outcomes per arm would detect at its power; None if none.

    Args:
        options: the test's options; their ``effect`` does not matter.
        outcomes: the outcomes of each arm.
        arms: the number of versions.
    """
    largest = 1 - options.baseline - _LEAST

    def is_enough(effect: float) -> bool:
        return sample_size(options.model_copy(update={"effect": effect}), arms=arms) <= outcomes

    return _first(is_enough, 0.0, largest) if is_enough(largest) else None


def _reaches(winnings: tuple[float, float], minutes: float, level: float) -> bool:
    """Whether the bet reaches a level, by the normal approximation of its logarithm."""
    growth, variance = winnings
    return minutes * growth - _QUANTILE * math.sqrt(minutes * variance) >= level


def _per_minute(row: Comparison, rates: Rates, stable: float, candidate: float) -> tuple[float, float]:
    """The mean and the variance of the logarithm of what the best bet returns in a minute."""
    point = _nearest(row, rates, stable, candidate)
    line = _inside(row.ratio * point + row.margin)
    growth = rates.candidate * _divergence(candidate, line)
    variance = rates.candidate * _variance(candidate, line)
    if row.ratio and not math.isinf(rates.stable):
        growth += rates.stable * _divergence(stable, point)
        variance += rates.stable * _variance(stable, point)
    return growth, variance


def _nearest(row: Comparison, rates: Rates, stable: float, candidate: float) -> float:
    """The stable mean of the point on the line that is nearest to the two means."""
    if not row.ratio or math.isinf(rates.stable):
        return _inside(stable)
    beside = _inside((candidate - row.margin) / row.ratio)
    low, high = sorted((_inside(stable), beside))
    for _ in range(_STEPS):
        point = (low + high) / 2
        line = _inside(row.ratio * point + row.margin)
        pull = rates.candidate * row.ratio * (candidate - line) / (line * (1 - line))
        if rates.stable * (point - stable) / (point * (1 - point)) < pull:
            low = point
        else:
            high = point
    return (low + high) / 2


def _divergence(p: float, q: float) -> float:
    p = _inside(p)
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


def _variance(p: float, q: float) -> float:
    """The variance of one outcome's log-likelihood ratio of p to q."""
    p = _inside(p)
    return p * (1 - p) * math.log(p * (1 - q) / (q * (1 - p))) ** 2


def _inside(mean: float) -> float:
    return min(max(mean, _LEAST), _MOST)


def _first(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The smallest number for which ``holds``, which holds for ``high`` and all numbers from there downwards to it."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
