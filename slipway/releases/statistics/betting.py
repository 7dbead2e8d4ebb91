"""The judge's one test: a bet on two streams of outcomes, whose winnings are evidence at any time one looks.

A block of time holds ``n`` outcomes between 0 and 1 of each version, of which only number and sum are known. The bet is
worth at most 1 on average as long as the candidate's mean is no more than ``ratio * stable mean + margin``, whatever
the stable mean is and however it moves from block to block. docs/judge.md derives it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Alternatives that a bet does best at: the odds of a bad outcome, as multiples of the odds on the boundary. The first
# of each bets nothing: it is what the others are paid from again once they have lost, for a candidate that turns bad.
AGAINST = np.array([1.0, 1.15, 1.5, 2.5, 6.0, 40.0])
# And the shares of the boundary's mean that a harmless candidate may have.
IN_FAVOUR = np.array([1.0, 0.95, 0.8, 0.5, 0.2, 0.03])
BETS = len(AGAINST)

_LOWEST_GUESS = 1e-4
_HIGHEST_BOUNDARY = 0.999
_REINVESTED = 0.0005
_STAKE = 0.5  # a stable outcome may lose this part of the capital at most


@dataclass(frozen=True, slots=True)
class Block:
    """Number and sum of the outcomes of both versions; all arrays have the same shape, the comparisons last."""

    candidate_n: Array
    candidate_sum: Array
    stable_n: Array
    stable_sum: Array


@dataclass(frozen=True, slots=True)
class Boundary:
    """The line ``ratio * stable mean + margin`` for each comparison."""

    ratio: Array
    margin: Array

    def guess(self, stable: Array) -> Array:
        """A guess of the stable mean that keeps the boundary inside (0, 1); the test is valid whatever it is."""
        highest = np.where(self.ratio > 0, (_HIGHEST_BOUNDARY - self.margin) / np.maximum(self.ratio, 1e-12), 0.5)
        return np.clip(stable, _LOWEST_GUESS, np.maximum(highest, _LOWEST_GUESS))


def log_winnings(block: Block, boundary: Boundary, guess: Array) -> tuple[Array, Array]:
    """The logarithms of what the bets against the candidate, and in its favour, return on one block.

    Args:
        block: what happened, of shape [..., comparisons].
        boundary: of shape [comparisons].
        guess: the stable mean as known before the block, from `Boundary.guess`.

    Returns:
        Two arrays of shape [..., comparisons, BETS].
    """
    mean = guess[..., None]
    limit = boundary.ratio[:, None] * mean + boundary.margin[:, None]
    against = (AGAINST - 1) / (1 - limit + AGAINST * limit)
    favour = (IN_FAVOUR - 1) / (1 - limit)
    weight = boundary.ratio * block.candidate_n / np.maximum(block.stable_n, 1)
    # Without any stable outcome there is nothing to compare with, and the stake is nothing.
    weight = np.where((boundary.ratio > 0) & (block.stable_n <= 0), np.inf, weight)[..., None]
    most = _STAKE / np.maximum(weight * np.maximum(mean, 1 - mean), 1e-12)
    against, favour = np.minimum(against, most), np.maximum(favour, -most)
    hedge = np.where(np.isfinite(weight), weight, 0.0)
    return _returns(block, limit, mean, against, hedge), _returns(block, limit, mean, favour, hedge)


def _returns(block: Block, limit: Array, mean: Array, stake: Array, hedge: Array) -> Array:
    candidate_n, candidate_sum = block.candidate_n[..., None], block.candidate_sum[..., None]
    stable_n, stable_sum = block.stable_n[..., None], block.stable_sum[..., None]
    returns: Array = (
        candidate_sum * np.log1p(stake * (1 - limit))
        + (candidate_n - candidate_sum) * np.log1p(-stake * limit)
        + stable_sum * np.log1p(-stake * hedge * (1 - mean))
        + (stable_n - stable_sum) * np.log1p(stake * hedge * mean)
    )
    return returns


def reinvested(capital: Array) -> Array:
    """The capital of the bets once each has given a little, of which those that have lost it all are paid.

    The fixed share of M. Herbster and M. K. Warmuth (1998), in a form that gives out no more than was given.
    """
    floor = capital.max(axis=-1, keepdims=True) + np.log(_REINVESTED / BETS)
    spread: Array = np.maximum(capital + np.log1p(-_REINVESTED), floor)
    return spread


def log_mixture(capital: Array, axes: int | tuple[int, ...] = -1) -> Array:
    """The logarithm of the average of capitals given as logarithms: capital that was spread over several bets."""
    highest = capital.max(axis=axes, keepdims=True)
    mixed: Array = np.log(np.exp(capital - highest).mean(axis=axes)) + highest.squeeze(axis=axes)
    return mixed


def upper_bound(n: Array, total: Array, alpha: float) -> Array:
    """The mean that ``n`` outcomes with this total exceed with probability ``alpha`` at most, by Chernoff's bound.

    The smallest u above the observed mean m with n KL(m, u) >= log(1 / alpha); 1 where there are no outcomes.
    """
    observed = np.where(n > 0, total / np.maximum(n, 1), 0.0)
    low, high = observed.copy(), np.ones_like(observed)
    for _ in range(50):
        middle = (low + high) / 2
        enough = n * _divergence(observed, middle) >= np.log(1 / alpha)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(n > 0, high, 1.0)


def _divergence(p: Array, q: Array) -> Array:
    p, q = np.clip(p, 1e-12, 1 - 1e-12), np.clip(q, 1e-12, 1 - 1e-12)
    divergence: Array = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    return divergence
