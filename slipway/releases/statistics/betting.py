"""The judge's only test: a bet on two streams of outcomes, whose winnings are valid evidence at any look.

A block of time holds ``n`` outcomes between 0 and 1 per version, known only by their number and sum. The expected
capital is at most 1 while the candidate's mean is at most ``ratio * stable mean + margin``, for any stable mean and
however it changes from block to block. docs/judge.md has the derivation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The alternatives for which each bet is optimal: the odds of a bad outcome, as multiples of the odds on the boundary.
# The first of each list bets nothing. It refunds the other bets after they lose, for a candidate that turns bad later.
AGAINST = np.array([1.0, 1.15, 1.5, 2.5, 6.0, 40.0])
# The alternatives in favour: the mean of a harmless candidate, as shares of the boundary's mean.
IN_FAVOUR = np.array([1.0, 0.95, 0.8, 0.5, 0.2, 0.03])
BETS = len(AGAINST)

_LOWEST_GUESS = 1e-4
_HIGHEST_BOUNDARY = 0.999
_REINVESTED = 0.0005
_STAKE = 0.5  # the largest part of the capital that one stable outcome may lose


@dataclass(frozen=True, slots=True)
class Block:
    """The number and sum of both versions' outcomes; all arrays have one shape, with the comparisons last."""

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
        """Clip a guess of the stable mean to keep the boundary inside (0, 1). The test is valid for any guess."""
        highest = np.where(self.ratio > 0, (_HIGHEST_BOUNDARY - self.margin) / np.maximum(self.ratio, 1e-12), 0.5)
        return np.clip(stable, _LOWEST_GUESS, np.maximum(highest, _LOWEST_GUESS))


def log_winnings(block: Block, boundary: Boundary, guess: Array) -> tuple[Array, Array]:
    """The logarithms of the returns on one block of the bets against the candidate and in its favour.

    Args:
        block: the outcomes, of shape [..., comparisons].
        boundary: the boundaries, of shape [comparisons].
        guess: the stable mean as known before the block, from `Boundary.guess`.

    Returns:
        Two arrays of shape [..., comparisons, BETS].
    """
    mean = guess[..., None]
    limit = boundary.ratio[:, None] * mean + boundary.margin[:, None]
    against = (AGAINST - 1) / (1 - limit + AGAINST * limit)
    favour = (IN_FAVOUR - 1) / (1 - limit)
    weight = boundary.ratio * block.candidate_n / np.maximum(block.stable_n, 1)
    # Without a stable outcome there is nothing to compare with, so the stake is zero.
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
    """The capital after each bet gives up a small share, which refunds the bets that have lost everything.

    This is the fixed share of M. Herbster and M. K. Warmuth (1998), in a form that pays out no more than it collects.
    """
    floor = capital.max(axis=-1, keepdims=True) + np.log(_REINVESTED / BETS)
    spread: Array = np.maximum(capital + np.log1p(-_REINVESTED), floor)
    return spread


def log_mixture(capital: Array, axes: int | tuple[int, ...] = -1) -> Array:
    """The logarithm of the mean of capitals given as logarithms: the capital of one stake spread over several bets."""
    highest = capital.max(axis=axes, keepdims=True)
    mixed: Array = np.log(np.exp(capital - highest).mean(axis=axes)) + highest.squeeze(axis=axes)
    return mixed


def upper_bound(n: Array, total: Array, alpha: float) -> Array:
    """An upper confidence bound on the mean, which the true mean exceeds with probability at most ``alpha``.

    By Chernoff's bound it is the smallest u above the observed mean m with n KL(m, u) >= log(1 / alpha), and 1 if there
    are no outcomes.
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
