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
AGAINST = np.array([1.0, 1.15, 1.5, 2.5, 6.0, 40.0, 1500.0])
# The alternatives in favour: the mean of a harmless candidate, as shares of the boundary's mean.
IN_FAVOUR = np.array([1.0, 0.95, 0.8, 0.6, 0.4, 0.2, 0.03])
BETS = len(AGAINST)

_LOWEST_GUESS = 1e-4
_HIGHEST_BOUNDARY = 0.999
_REINVESTED = 0.0005
_STEPS = 4
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Block:
    """The number and sum of both versions' outcomes; all arrays have one shape, with the comparisons last."""

    candidate_n: Array
    candidate_sum: Array
    stable_n: Array
    stable_sum: Array

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> "Block":
        """A block without outcomes."""
        none = np.zeros(shape)
        return cls(none, none, none, none)

    def __add__(self, other: "Block") -> "Block":
        return Block(
            self.candidate_n + other.candidate_n,
            self.candidate_sum + other.candidate_sum,
            self.stable_n + other.stable_n,
            self.stable_sum + other.stable_sum,
        )

    def where(self, kept: NDArray[np.bool_]) -> "Block":
        """The block with only the kept comparisons' outcomes."""
        return self.scaled(kept.astype(float), kept.astype(float))

    def scaled(self, candidate: Array, stable: Array) -> "Block":
        """The block with each side's number and sum multiplied by a factor."""
        ours = (self.candidate_n * candidate, self.candidate_sum * candidate)
        return Block(*ours, self.stable_n * stable, self.stable_sum * stable)


@dataclass(frozen=True, slots=True)
class Boundary:
    """The line ``ratio * stable mean + margin`` for each comparison."""

    ratio: Array
    margin: Array

    def guess(self, stable: Array) -> Array:
        """Clip a guess of the stable mean to keep the boundary inside (0, 1). The test is valid for any guess."""
        highest = np.where(self.ratio > 0, (_HIGHEST_BOUNDARY - self.margin) / np.maximum(self.ratio, 1e-12), 0.5)
        return np.clip(stable, _LOWEST_GUESS, np.maximum(highest, _LOWEST_GUESS))

    def at(self, stable: Array) -> Array:
        """The line at stable means of shape [..., comparisons, bets]."""
        return self.ratio[:, None] * stable + self.margin[:, None]


def winnings_against(block: Block, boundary: Boundary, guess: Array) -> Array:
    """The logarithms of the returns on one block of the bets against the candidate.

    Args:
        block: the outcomes, of shape [..., comparisons].
        boundary: the boundaries, of shape [comparisons].
        guess: the stable mean as known before the block, from `Boundary.guess`.

    Returns:
        An array of shape [..., comparisons, BETS].
    """
    stable = np.broadcast_to(guess[..., None], (*guess.shape, BETS))
    line = boundary.at(stable)
    return _returns(block, boundary, stable, AGAINST * line / (1 - line + AGAINST * line))


def winnings_for(block: Block, boundary: Boundary, guess: Array) -> Array:
    """The same of the bets in the candidate's favour."""
    stable = np.broadcast_to(guess[..., None], (*guess.shape, BETS))
    return _returns(block, boundary, stable, IN_FAVOUR * boundary.at(stable))


def _returns(block: Block, boundary: Boundary, stable: Array, candidate: Array) -> Array:
    """The likelihood ratio of an alternative to the null nearest to it, for each bet.

    This is the e-variable of R. Turner, A. Ly and P. Grünwald (2024). The nearest point need not be exact: the stable
    outcomes' stake is derived from the candidate's, and the smaller of the two decides.
    """
    n, m = block.candidate_n[..., None], block.stable_n[..., None]
    ratio = boundary.ratio[:, None]
    point = _nearest(n, m, boundary, stable, candidate)
    line = np.clip(boundary.at(point), _LEAST, 1 - _LEAST)
    stake = (candidate - line) / (line * (1 - line))
    weight = ratio * n / np.maximum(m, _LEAST)
    most = np.abs(stable - point) / (point * (1 - point)) / np.maximum(weight, _LEAST)
    stake = np.where(ratio > 0, np.clip(stake, -most, most), stake)
    hedge = np.where(ratio > 0, stake * weight, 0.0)
    ours, theirs = block.candidate_sum[..., None], block.stable_sum[..., None]
    returns: Array = (
        ours * np.log1p(stake * (1 - line))
        + (n - ours) * np.log1p(-stake * line)
        + theirs * np.log1p(-hedge * (1 - point))
        + (m - theirs) * np.log1p(hedge * point)
    )
    return np.where((n > 0) & ((m > 0) | (ratio == 0)), returns, 0.0)


def _nearest(n: Array, m: Array, boundary: Boundary, stable: Array, candidate: Array) -> Array:
    """The stable mean of the point on the line that is nearest, by divergence, to the alternative (stable, candidate).

    At that point the two sides pull equally: n ratio (candidate - line) / V(line) = m (point - stable) / V(point), with
    V(p) = p (1 - p). Each step solves this for the point with the variances of the last one, inside shrinking bounds.
    """
    ratio, margin = boundary.ratio[:, None], boundary.margin[:, None]
    beside = np.where(ratio > 0, (candidate - margin) / np.maximum(ratio, _LEAST), stable)
    beside = np.clip(beside, _LEAST, 1 - _LEAST)
    low, high = np.minimum(stable, beside), np.maximum(stable, beside)
    point = np.clip((m * stable + n * beside) / np.maximum(n + m, _LEAST), low, high)
    for _ in range(_STEPS):
        line = np.clip(ratio * point + margin, _LEAST, 1 - _LEAST)
        ours, theirs = n * ratio / (line * (1 - line)), m / (point * (1 - point))
        grows = theirs * (point - stable) > ours * (candidate - line)
        low, high = np.where(grows, low, point), np.where(grows, point, high)
        point = (theirs * stable + ours * (candidate - margin)) / np.maximum(theirs + ours * ratio, _LEAST)
        point = np.where((point > low) & (point < high), point, np.sqrt(low * high))
    return point


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
    observed = np.where(n > 0, total / np.maximum(n, _LEAST), 0.0)
    low, high = observed.copy(), np.ones_like(observed)
    for _ in range(50):
        middle = (low + high) / 2
        enough = n * _divergence(observed, middle) >= np.log(1 / alpha)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(n > 0, high, 1.0)


def lower_bound(n: Array, total: Array, alpha: float) -> Array:
    """A lower confidence bound on the mean, by the same bound: 0 if there are no outcomes."""
    return 1 - upper_bound(n, n - total, alpha)


def _divergence(p: Array, q: Array) -> Array:
    p, q = np.clip(p, 1e-12, 1 - 1e-12), np.clip(q, 1e-12, 1 - 1e-12)
    divergence: Array = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    return divergence
