"""Compute the bets of all simulated runs at once, and select the runs that need a decision."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence import tallies as keys
from slipway.releases.record.document import ReleaseRecord, StoredCapital
from slipway.releases.record.phases import Phase
from slipway.releases.record.plan import share_steps
from slipway.releases.simulation.traffic import Counts
from slipway.releases.statistics.betting import Array, Block
from slipway.releases.statistics.capital import Capital
from slipway.releases.statistics.comparisons import Questions
from slipway.releases.strategies.analysis import first_capital, questions_of

Flags = NDArray[np.bool_]


@dataclass(slots=True)
class ProgressiveScreen:
    """The runs with the same questions. Only runs in phase `RUNNING` are screened; all others always need a decision.

    ``before`` is the capital without the newest window.
    """

    asked: Questions
    stable: int
    candidate: int
    outage: float
    least: int
    deadline: datetime
    before: Capital
    capital: Capital
    minutes: Array
    requests: Array
    due: Array
    proof: Flags
    held: Flags
    screened: Flags

    @classmethod
    def of(cls, record: ReleaseRecord, runs: int) -> "ProgressiveScreen":
        """Create the screen of runs that all start from the same record."""
        asked = questions_of(record)
        started = record.capitals[0].unpacked() if record.capitals else first_capital(asked, None)
        capital = started.repeated(runs)
        none, no = np.zeros((3, runs)), np.zeros((3, runs), dtype=bool)
        screen = cls(
            asked,
            record.stable,
            record.candidates[0],
            record.judge.outage,
            record.judge.min_requests,
            record.deadline,
            capital,
            capital,
            *(none[0], none[1], none[2]),
            *(no[0], no[1], no[2]),
        )
        for run in range(runs):
            screen.follow(run, record)
        return screen

    def attention(self, counts: dict[int, Counts], now: datetime, minutes: float) -> Flags:
        """Add a window, and flag the runs that need a decision on it."""
        self.before = self.capital
        block = block_of_runs(counts[self.candidate], counts[self.stable], self.asked)
        self.capital = self.capital.after(block, self.asked)
        ours, theirs = (counts[version][keys.ERRORS] for version in (self.candidate, self.stable))
        alike = (ours[0] > 0) & (theirs[0] > 0) & (_mean(ours) >= self.outage) & (_mean(theirs) >= self.outage)
        counted = (ours[0] > 0) & ~alike
        after = self.minutes + counted * minutes
        total = self.requests + counted * ours[0]
        complete = (after >= self.due) & (total >= self.least)
        if complete.any():
            complete &= self.capital.proven(self.asked) | ~self.proof
        # A mixture of bets never exceeds its best bet, so this may flag a few runs too many but never misses one.
        worse = self.capital.against.max(axis=(-2, -1)) >= np.log(1 / self.asked.alpha)
        news = worse | (alike != self.held) | complete
        ask: Flags = ~self.screened | news | (now >= self.deadline)
        # Count here for the runs without a decision; a decision counts for its own run.
        self.minutes = np.where(ask, self.minutes, after)
        self.requests = np.where(ask, self.requests, total)
        return ask

    def folded(self, record: ReleaseRecord, run: int, start: datetime) -> ReleaseRecord:
        """A run's record as if every window before the newest had been decided on."""
        if not self.screened[run]:
            return record
        capital = self.before.of_run(run)
        update = {
            "capitals": (StoredCapital.of(capital),),
            "judged_until": start,
            "minutes": float(self.minutes[run]),
            "requests": float(self.requests[run]),
        }
        return record.model_copy(update=update)

    def follow(self, run: int, record: ReleaseRecord) -> None:
        """Continue a run from its decided record."""
        self.screened[run] = record.phase is Phase.RUNNING
        self.minutes[run], self.requests[run] = record.minutes, record.requests
        if record.phase is Phase.RUNNING:
            step = share_steps(record.options)[record.step]
            self.due[run], self.proof[run], self.held[run] = step.minutes, step.proof, record.held


def block_of_runs(candidate: Counts, stable: Counts, asked: Questions) -> Block:
    """The counts of one window for all runs, row by row."""
    return Block(*_columns(candidate, asked), *_columns(stable, asked))


def _columns(counts: Counts, asked: Questions) -> tuple[Array, Array]:
    nothing = np.zeros(len(counts[keys.ERRORS][0]))
    found = [counts.get(row.key, (nothing, nothing)) for row in asked.rows]
    n, total = (np.stack(column, axis=-1) for column in zip(*found, strict=True))
    flipped = np.array([row.flipped for row in asked.rows])
    return n, np.where(flipped, n - total, total)


def _mean(counts: tuple[Array, Array]) -> Array:
    mean: Array = counts[1] / np.maximum(counts[0], 1)
    return mean
