"""The judge's state for one candidate: the capital of every bet, and the counts. Leading axes, if any, are runs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence.tallies import NOTHING, Tally
from slipway.releases.statistics.comparisons import DISASTER, Questions
from slipway.releases.statistics.dispersion import Moments, design_effect
from slipway.statistics.betting import (
    BETS,
    Array,
    Block,
    log_mixture,
    reinvested,
    winnings_against,
    winnings_for,
)

Flags = NDArray[np.bool_]

COUNTS = 3 * len(fields(Block)) + 2 + len(fields(Moments))
"""The number of arrays of counts in a `Capital`."""

# The weight of the guess of the stable mean, in outcomes, and the share of past outcomes that it keeps per block.
_GUESS_WEIGHT = 20.0
_KEPT = 0.95
# Minutes are merged until both versions have outcomes, the stable one half as many or this many.
_ENOUGH_STABLE = 2.0
# After so many minutes of the stable version it is known how much they differ.
_KNOWN_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Capital:
    """The logarithms of the capital, of shape [..., rows, bets], and the counts, of shape [..., rows].

    - ``counts``: all outcomes.
    - ``rising``: the outcomes since the bets against the candidate last stood at a loss, which they were won by.
    - ``pending``: outcomes that are not bet on yet, because the other side has none; divided by their design effect.
    - ``recent_n``, ``recent_sum``: the stable version's counts with exponentially decaying weights of older blocks.
    - ``moments``: the stable version's minutes, from before the release too.
    """

    against: Array
    favour: Array
    counts: Block
    rising: Block
    pending: Block
    recent_n: Array
    recent_sum: Array
    moments: Moments

    @classmethod
    def of(cls, asked: Questions, runs: tuple[int, ...] = ()) -> "Capital":
        """The capital before the first block."""
        rows = (*runs, len(asked.rows))
        bets, none = np.zeros((*rows, BETS)), np.zeros(rows)
        empty = Block.empty(rows)
        return cls(bets, bets, empty, empty, empty, none, none, Moments.none(rows))

    @classmethod
    def unpacked(cls, against: Array, favour: Array, counts: Array) -> "Capital":
        """The capital of the bets and of the counts as `packed_counts` gives them."""
        block = len(fields(Block))
        counted, rising, pending, rest = np.split(counts, [block, 2 * block, 3 * block])
        return cls(
            against, favour, Block(*counted), Block(*rising), Block(*pending), rest[0], rest[1], Moments(*rest[2:])
        )

    def packed_counts(self) -> Array:
        """All counts, of shape [COUNTS, ..., rows]."""
        blocks = (array for each in (self.counts, self.rising, self.pending) for array in _arrays(each))
        return np.stack([*blocks, self.recent_n, self.recent_sum, *_arrays(self.moments)])

    def of_run(self, run: int) -> "Capital":
        """The capital of one run."""
        return Capital.unpacked(self.against[run], self.favour[run], self.packed_counts()[:, run])

    def repeated(self, runs: int) -> "Capital":
        """The same capital in each of several runs."""
        against, favour = (np.repeat(bets[None], runs, axis=0) for bets in (self.against, self.favour))
        return Capital.unpacked(against, favour, np.repeat(self.packed_counts()[:, None], runs, axis=1))

    def having_seen(self, n: Array, total: Array, *, kept: Array) -> "Capital":
        """The capital after a minute of the stable version from before the release, of which the guess keeps a part."""
        return replace(
            self,
            recent_n=self.recent_n + kept * n,
            recent_sum=self.recent_sum + kept * total,
            moments=self.moments.after(n, total),
        )

    def after(self, block: Block, asked: Questions, *, alike: Flags | bool = False) -> "Capital":
        """The capital after a minute of outcomes; one in which both sides fail ``alike`` tells nothing of others."""
        correlation = self.moments.correlation
        sides = (block.candidate_n, block.stable_n)
        waiting = self.pending + block.scaled(*(1 / design_effect(n, correlation) for n in sides))
        compared = asked.lines_against.ratio > 0
        stable_enough = waiting.stable_n >= np.minimum(waiting.candidate_n / 2, _ENOUGH_STABLE)
        closed = (waiting.candidate_n > 0) & (~compared | ((waiting.stable_n > 0) & stable_enough))
        bet = waiting.where(closed)
        against, favour = self._bets_after(bet, asked)
        counts = self.counts + block
        rises = against[..., 1:].max(axis=-1) > 0
        alike = np.asarray(alike)[..., None]
        moments = self.moments.after(*(np.where(alike, 0.0, each) for each in (block.stable_n, block.stable_sum)))
        return Capital(
            against,
            favour,
            counts,
            (self.rising + block).where(rises | ~closed),
            waiting.where(~closed),
            np.where(closed, self.recent_n * _KEPT, self.recent_n) + block.stable_n,
            np.where(closed, self.recent_sum * _KEPT, self.recent_sum) + block.stable_sum,
            moments,
        )

    def _bets_after(self, bet: Block, asked: Questions) -> tuple[Array, Array]:
        guess = (self.recent_sum + _GUESS_WEIGHT * asked.guesses) / (self.recent_n + _GUESS_WEIGHT)
        against = winnings_against(bet, asked.lines_against, asked.lines_against.guess(guess))
        favour = winnings_for(bet, asked.lines_for, asked.lines_for.guess(guess))
        disaster = asked.disastrous & (bet.candidate_sum >= DISASTER * bet.candidate_n)
        known = self.moments.steps >= _KNOWN_MINUTES
        most = np.where(known, asked.most_per_minute, asked.most_while_unknown)
        most = np.where(disaster, np.inf, most)
        return reinvested(self.against + np.minimum(against, most[..., None])), reinvested(self.favour + favour)

    def evidence_against(self, asked: Questions, metric: str) -> Array:
        """The logarithm of the evidence that the candidate is worse in a metric."""
        rows = self.against[..., asked.indices(metric), :]
        if metric in asked.paired:
            least: Array = log_mixture(rows).min(axis=-1)
            return least
        return log_mixture(rows, (-2, -1))

    def evidence_for(self, asked: Questions) -> Array:
        """The logarithm of the evidence, per row, that the candidate is within its margin.

        The rows of a paired metric share theirs.
        """
        favour = log_mixture(self.favour).copy()
        for metric in asked.paired:
            rows = asked.indices(metric)
            favour[..., rows] = log_mixture(self.favour[..., rows, :], (-2, -1))[..., None]
        return favour

    def proven(self, asked: Questions) -> Flags:
        """Whether every row that a promotion needs is proven to be within its margin, per run."""
        proven: Flags = np.all(self.evidence_for(asked)[..., asked.proven] >= np.log(1 / asked.beta), axis=-1)
        return proven


def _arrays(values: Block | Moments) -> list[Array]:
    return [getattr(values, each.name) for each in fields(values)]


def block_of(candidate: Mapping[str, Tally], stable: Mapping[str, Tally], asked: Questions) -> Block:
    """The counts of one window, row by row."""
    ours = np.array([row.counted(candidate.get(row.key, NOTHING)) for row in asked.rows]).reshape(-1, 2)
    theirs = np.array([row.counted(stable.get(row.key, NOTHING)) for row in asked.rows]).reshape(-1, 2)
    return Block(ours[:, 0], ours[:, 1], theirs[:, 0], theirs[:, 1])
