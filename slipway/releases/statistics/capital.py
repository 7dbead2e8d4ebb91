"""The judge's state for one candidate: the capital of every bet, and the counts. Leading axes, if any, are runs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence.tallies import NOTHING, Tally
from slipway.releases.statistics.betting import BETS, Array, Block, log_mixture, log_winnings, reinvested
from slipway.releases.statistics.comparisons import Questions

Flags = NDArray[np.bool_]

# The weight of the guess of the stable mean, in outcomes, and the share of past outcomes that it keeps per block.
_GUESS_WEIGHT = 20.0
_KEPT = 0.95


@dataclass(frozen=True, slots=True)
class Capital:
    """The logarithms of the capital, of shape [..., rows, bets], and the counts, of shape [..., rows].

    ``recent_n`` and ``recent_sum`` are the stable version's counts with exponentially decaying weights of older blocks.
    """

    against: Array
    favour: Array
    candidate_n: Array
    candidate_sum: Array
    stable_n: Array
    stable_sum: Array
    recent_n: Array
    recent_sum: Array

    @classmethod
    def of(cls, asked: Questions, runs: tuple[int, ...] = ()) -> "Capital":
        """The capital before the first block."""
        rows = (*runs, len(asked.rows))
        bets = np.zeros((*rows, BETS))
        none = np.zeros(rows)
        return cls(bets, bets, none, none, none, none, none, none)

    def after(self, block: Block, asked: Questions) -> "Capital":
        """The capital after a block of outcomes."""
        boundary = asked.boundary
        guess = (self.recent_sum + _GUESS_WEIGHT * asked.guesses) / (self.recent_n + _GUESS_WEIGHT)
        against, favour = log_winnings(block, boundary, boundary.guess(guess))
        return Capital(
            reinvested(self.against + against),
            reinvested(self.favour + favour),
            self.candidate_n + block.candidate_n,
            self.candidate_sum + block.candidate_sum,
            self.stable_n + block.stable_n,
            self.stable_sum + block.stable_sum,
            self.recent_n * _KEPT + block.stable_n,
            self.recent_sum * _KEPT + block.stable_sum,
        )

    def evidence_against(self, asked: Questions, metric: str) -> Array:
        """The logarithm of the capital, over all rows of a metric, of the bets that the candidate is worse in it."""
        return log_mixture(self.against[..., asked.indices(metric), :], (-2, -1))

    def evidence_for(self) -> Array:
        """The logarithm of the capital, per row, of the bets that the candidate is within its margin."""
        return log_mixture(self.favour)

    def proven(self, asked: Questions) -> Flags:
        """Whether every row that a promotion needs is proven to be within its margin, per run."""
        proven: Flags = np.all(self.evidence_for()[..., asked.proven] >= np.log(1 / asked.beta), axis=-1)
        return proven


def block_of(candidate: Mapping[str, Tally], stable: Mapping[str, Tally], asked: Questions) -> Block:
    """The counts of one window, row by row."""
    ours = np.array([row.counted(candidate.get(row.key, NOTHING)) for row in asked.rows]).reshape(-1, 2)
    theirs = np.array([row.counted(stable.get(row.key, NOTHING)) for row in asked.rows]).reshape(-1, 2)
    return Block(ours[:, 0], ours[:, 1], theirs[:, 0], theirs[:, 1])
