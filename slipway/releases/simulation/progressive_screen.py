"""Compute the bets of all simulated runs at once, and select the runs that need a decision."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence import tallies as keys
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.record.plan import share_steps
from slipway.releases.record.stored_evidence import StoredCapital
from slipway.releases.simulation.traffic.streams import Counts
from slipway.releases.simulation.traffic_screen import TrafficScreen
from slipway.releases.statistics.capital import Capital
from slipway.releases.statistics.comparisons import Questions
from slipway.releases.strategies.analysis import first_capital, is_latency, is_warming_up, questions_of
from slipway.statistics.betting import Array, Block

Flags = NDArray[np.bool_]
ROUNDING = 1e-6


@dataclass(slots=True)
class ProgressiveScreen:
    """The runs with the same questions. Only runs in phase `RUNNING` are screened; all others always need a decision.

    ``before`` is the capital without the newest window.
    """

    record: ReleaseRecord
    asked: Questions
    before: Capital
    capital: Capital
    minutes: Array
    requests: Array
    due: Array
    held: Flags
    screened: Flags
    traffic: TrafficScreen

    @classmethod
    def of(cls, records: Sequence[ReleaseRecord]) -> "ProgressiveScreen":
        """Create the screen of runs of one release, which differ in the stable version's past."""
        record, runs = records[0], len(records)
        asked = questions_of(record)
        capital = stacked(records, 0)
        none, no = np.zeros((3, runs)), np.zeros((2, runs), dtype=bool)
        screen = cls(
            record,
            asked,
            capital,
            capital,
            *(none[0], none[1], none[2]),
            *(no[0], no[1]),
            TrafficScreen.of(record, runs),
        )
        for run, each in enumerate(records):
            screen.follow(run, each)
        return screen

    def attention(
        self,
        counts: dict[int, Counts],
        start: datetime,
        now: datetime,
        minutes: float,
        users: dict[int, Counts],
    ) -> Flags:
        """Add a window, and flag the runs that need a decision on it."""
        self.before = self.capital
        record, ours = self.record, counts[self.record.candidates[0]][keys.ERRORS]
        alike = failing_alike(counts, record)
        block = counted_block(counts, record.candidates[0], record, start)
        after, of_step = self.capital.after(block, self.asked, alike=alike), self.traffic.is_of_step(start)
        self.capital = replace(after, favour=np.where(of_step[:, None, None], after.favour, 0.0))
        counted = (ours[0] > 0) & ~alike & of_step
        passed = self.minutes + counted * minutes
        total = self.requests + counted * ours[0]
        complete = (passed >= self.due) & (total >= record.judge.min_requests)
        if complete.any():
            complete &= self.capital.proven(self.asked)
        worse = np.any(list(found_worse(self.capital, self.asked).values()), axis=0)
        watched = self.traffic.attention(counts, start, minutes, users)
        news = worse | (alike != self.held) | complete | watched
        ask: Flags = ~self.screened | news | (now >= record.deadline)
        # Count here for the runs without a decision; a decision counts for its own run.
        self.minutes = np.where(ask, self.minutes, passed)
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
            **self.traffic.folded(run),
        }
        return record.model_copy(update=update)

    def follow(self, run: int, record: ReleaseRecord) -> None:
        """Continue a run from its decided record."""
        self.screened[run] = record.phase is Phase.RUNNING
        self.traffic.follow(run, record)
        self.minutes[run], self.requests[run] = record.minutes, record.requests
        if record.phase is Phase.RUNNING:
            self.due[run], self.held[run] = share_steps(record.options)[record.step].minutes, record.held
            if record.capitals:  # a step begins without proof
                self.capital.favour[run] = record.capitals[0].unpacked().favour


def stacked(records: Sequence[ReleaseRecord], index: int) -> Capital:
    """The capital of one candidate in all runs."""
    asked = questions_of(records[0])
    capitals = [each.capitals[index].unpacked() if each.capitals else first_capital(asked, None) for each in records]
    against, favour = (np.stack([getattr(each, bets) for each in capitals]) for bets in ("against", "favour"))
    return Capital.unpacked(against, favour, np.stack([each.packed_counts() for each in capitals], axis=1))


def found_worse(capital: Capital, asked: Questions) -> dict[str, Flags]:
    """Flag the runs whose candidate is worse in each metric."""
    level = np.log(1 / asked.alpha) - ROUNDING
    return {metric: capital.evidence_against(asked, metric) >= level for metric in asked.metrics}


def failing_alike(counts: dict[int, Counts], record: ReleaseRecord) -> Flags:
    """Flag the runs in which both the candidates and the stable version fail at the rate of an outage."""
    theirs = counts[record.stable][keys.ERRORS]
    served = [counts[version][keys.ERRORS] for version in record.candidates]
    ours = (np.sum([n for n, _ in served], axis=0), np.sum([failed for _, failed in served], axis=0))
    least = record.judge.outage
    alike: Flags = (ours[0] > 0) & (theirs[0] > 0) & (_mean(ours) >= least) & (_mean(theirs) >= least)
    return alike


def counted_block(counts: dict[int, Counts], version: int, record: ReleaseRecord, start: datetime) -> Block:
    """The counts of a candidate and the stable version that the judge bets on, row by row."""
    asked = questions_of(record)
    block = Block(*_columns(counts[version], asked), *_columns(counts[record.stable], asked))
    return block.where(~is_latency(asked)) if is_warming_up(record, start) else block


def _columns(counts: Counts, asked: Questions) -> tuple[Array, Array]:
    nothing = np.zeros(len(counts[keys.ERRORS][0]))
    found = [counts.get(row.key, (nothing, nothing)) for row in asked.rows]
    n, total = (np.stack(column, axis=-1) for column in zip(*found, strict=True))
    flipped = np.array([row.flipped for row in asked.rows])
    return n, np.where(flipped, n - total, total)


def _mean(counts: tuple[Array, Array]) -> Array:
    mean: Array = counts[1] / np.maximum(counts[0], 1)
    return mean
