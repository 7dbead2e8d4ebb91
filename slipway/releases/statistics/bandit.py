"""Thompson sampling without sampling: each arm's traffic is the probability that it is the best arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence.tallies import Tally
from slipway.releases.statistics.strata import Estimate

Array = NDArray[np.float64]
_POINTS = 4001


@dataclass(frozen=True, slots=True)
class Arm:
    """One version: its outcomes, its posterior mean, the probability that it is best, and its traffic weight."""

    version: int
    outcomes: float
    mean: float
    best: float
    weight: float


@dataclass(frozen=True, slots=True)
class Regret:
    """The rewards lost by not sending all traffic to the best arm, and the loss under equal shares."""

    best: int
    regret: float
    equal: float
    outcomes: float

    @property
    def sentence(self) -> str:
        """The regret, for people."""
        return (
            f"regret: {self.regret:,.1f} rewards over {self.outcomes:,.0f} outcomes against sending all to version "
            f"{self.best}; equal shares would have cost {self.equal:,.1f}"
        )


def weigh(rewards: Mapping[int, Estimate], *, floor: float, least: int) -> tuple[Arm, ...]:
    """Each arm's weight: the probability that it is the best, with a minimum of ``floor``.

    Until every arm has ``least`` outcomes, all weights are equal.

    Args:
        rewards: each version's rewards by periods, of predictions old enough to have them.
        floor: the minimum share of every arm, so that each is still measured.
        least: the number of outcomes that every arm needs before the weights differ.
    """
    best = best_probabilities([found.tally for found in rewards.values()])
    arms = len(rewards)
    if min(found.outcomes for found in rewards.values()) < least:
        weights = [1 / arms] * arms
    else:
        weights = [floor + (1 - arms * floor) * each for each in best]
    return tuple(
        Arm(version, found.outcomes, posterior_mean(found.tally), probability, weight)
        for (version, found), probability, weight in zip(rewards.items(), best, weights, strict=True)
    )


def posterior_mean(tally: Tally) -> float:
    """The posterior mean under a uniform prior."""
    return (tally.total + 1) / (tally.n + 2)


def best_probabilities(tallies: Sequence[Tally]) -> list[float]:
    """The probability that each arm has the highest mean, under independent Beta posteriors, by quadrature.

    W. R. Thompson (1933) draws an arm with this probability. Integration gives the same probabilities without a random
    draw, as a function of the evidence alone.
    """
    shapes = [(1 + tally.total, 1 + tally.n - tally.total) for tally in tallies]
    grid = _grid(shapes)
    densities = [_density(grid, a, b) for a, b in shapes]
    steps = np.diff(grid)
    distributions = [_integrated(density, steps) for density in densities]
    won = []
    for index, density in enumerate(densities):
        others = np.prod([each for other, each in enumerate(distributions) if other != index], axis=0)
        product = density * others
        won.append(float(((product[1:] + product[:-1]) / 2 * steps).sum()))
    total = sum(won)
    return [each / total for each in won]


def regret(rewards: Mapping[int, Estimate]) -> Regret:
    """The cost of the shares so far: the rewards that the best arm's mean would have brought, less those received.

    An arm's mean weighs each period by its outcomes of all arms, so this compares the arms period by period.
    """
    best = max(rewards, key=lambda version: rewards[version].mean)
    outcomes = sum(found.outcomes for found in rewards.values())
    means = [found.mean if found.size else rewards[best].mean for found in rewards.values()]
    lost = rewards[best].mean * outcomes - sum(found.rewards for found in rewards.values())
    equal = (rewards[best].mean - sum(means) / len(means)) * outcomes
    return Regret(best, max(lost, 0.0), equal, outcomes)


def _grid(shapes: Sequence[tuple[float, float]]) -> Array:
    """Points that cover every density, spaced closely enough for the narrowest one."""
    parts = [np.linspace(0, 1, 201)]
    for a, b in shapes:
        mean = a / (a + b)
        deviation = (mean * (1 - mean) / (a + b + 1)) ** 0.5
        parts.append(np.clip(mean + deviation * np.linspace(-9, 9, _POINTS // len(shapes)), 0, 1))
    return np.unique(np.concatenate(parts))


def _density(grid: Array, a: float, b: float) -> Array:
    inside = np.clip(grid, 1e-300, 1 - 1e-16)
    logarithm = (a - 1) * np.log(inside) + (b - 1) * np.log1p(-inside) - lgamma(a) - lgamma(b) + lgamma(a + b)
    density: Array = np.exp(logarithm)
    return density


def _integrated(density: Array, steps: Array) -> Array:
    mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * steps)])
    integrated: Array = np.minimum(mass / mass[-1], 1.0)
    return integrated
