"""Select the runs of a simulated experiment that need a decision: `ProgressiveScreen` for several arms."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from slipway.config.releases import AbTest, Bandit, Interleave, Shadow
from slipway.releases.evidence import tallies as keys
from slipway.releases.record.document import ReleaseRecord, StoredCapital, StoredTally
from slipway.releases.record.phases import Phase
from slipway.releases.simulation.progressive_screen import Flags, block_of_runs
from slipway.releases.simulation.traffic import Counts
from slipway.releases.statistics.betting import Array
from slipway.releases.statistics.capital import Capital
from slipway.releases.statistics.comparisons import Questions
from slipway.releases.statistics.sample_size import early_alpha, running_radius, sample_size
from slipway.releases.strategies.analysis import EXPERIMENTAL, first_capital, questions_of
from slipway.releases.strategies.experiments import live_candidates

_lgamma = np.vectorize(math.lgamma, otypes=[float])
Totals = dict[int, dict[str, tuple[Array, Array]]]


@dataclass(slots=True)
class ExperimentScreen:
    """The runs of one experiment. Only runs in phase `RUNNING` are screened; all others always need a decision.

    ``before`` is each candidate's capital without the newest window, and ``totals_before`` the totals without it.
    ``due`` is the minute from the start at which a run's weights are recomputed.
    """

    record: ReleaseRecord
    asked: Questions
    before: dict[int, Capital]
    capital: dict[int, Capital]
    totals_before: Totals
    totals: Totals
    live: dict[int, Flags]
    due: Array
    suspected: Flags
    screened: Flags

    @classmethod
    def of(cls, record: ReleaseRecord, runs: int) -> "ExperimentScreen":
        """Create the screen of runs that all start from the same record."""
        asked = questions_of(record)
        capital: dict[int, Capital] = {}
        for index, version in enumerate(record.candidates):
            stored = record.capitals[index].unpacked() if record.capitals else first_capital(asked, None)
            capital[version] = stored.repeated(runs)
        versions = (record.stable, *record.candidates)
        totals: Totals = {v: {key: (np.zeros(runs), np.zeros(runs)) for key in EXPERIMENTAL} for v in versions}
        no = np.zeros(runs, dtype=bool)
        live = {version: no.copy() for version in record.candidates}
        screen = cls(record, asked, capital, capital, totals, totals, live, np.zeros(runs), no.copy(), no.copy())
        for run in range(runs):
            screen.follow(run, record)
        return screen

    def attention(self, counts: dict[int, Counts], now: datetime, minutes: float) -> Flags:  # noqa: ARG002 - `ProgressiveScreen` uses it
        """Add a window, and flag the runs that need a decision on it."""
        self.before, self.totals_before = self.capital, self.totals
        self.capital = {
            version: capital.after(block_of_runs(counts[version], counts[self.record.stable], self.asked), self.asked)
            for version, capital in self.capital.items()
        }
        self.totals = {
            version: {key: _sum(found, counts[version].get(key)) for key, found in totals.items()}
            for version, totals in self.totals.items()
        }
        over = now >= self._end()
        ask: Flags = ~self.screened | (self._worse() & ~self.suspected) | self._news(now) | over
        return ask

    def folded(self, record: ReleaseRecord, run: int, start: datetime) -> ReleaseRecord:
        """A run's record as if every window before the newest had been decided on."""
        if not self.screened[run]:
            return record
        capitals = (each.of_run(run) for each in self.before.values())
        totals = {
            version: {
                key: StoredTally(n=float(n[run]), total=float(total[run]))
                for key, (n, total) in found.items()
                if n[run]
            }
            for version, found in self.totals_before.items()
        }
        update = {
            "capitals": tuple(map(StoredCapital.of, capitals)),
            "judged_until": start,
            "totals": {version: found for version, found in totals.items() if found},
        }
        return record.model_copy(update=update)

    def follow(self, run: int, record: ReleaseRecord) -> None:
        """Continue a run from its decided record."""
        self.screened[run] = record.phase is Phase.RUNNING
        alive = live_candidates(record)
        for version, flags in self.live.items():
            flags[run] = version in alive
        if isinstance(record.options, Bandit) and record.weighed_at is not None:
            self.due[run] = (record.weighed_at - record.started_at) / _MINUTE + record.options.update_minutes

    def found_worse(self, run: int) -> None:
        """Note that a run was found worse.

        A shadow continues anyway, so it needs no second decision on that. Other experiments drop the worse arm.
        """
        self.suspected[run] = isinstance(self.record.options, Shadow)

    def _end(self) -> datetime:
        options = self.record.options
        if isinstance(options, Shadow):
            return self.record.phase_since + timedelta(minutes=options.minutes)
        most = options.max_minutes if isinstance(options, AbTest | Bandit | Interleave) else 0.0
        return self.record.started_at + timedelta(minutes=most)

    def _worse(self) -> Flags:
        """Flag the runs with a worse arm.

        A mixture of bets never exceeds its best bet, so this may flag a few runs too many but never misses one.
        """
        level = np.log(1 / self.asked.alpha)
        found = [self.capital[v].against.max(axis=(-2, -1)) >= level for v in self.capital]
        everybody = isinstance(self.record.options, Shadow)
        alive = [flags | everybody for flags in self.live.values()]
        worse: Flags = np.any([one & is_live for one, is_live in zip(found, alive, strict=True)], axis=0)
        return worse

    def _news(self, now: datetime) -> Flags:
        match self.record.options:
            case AbTest() as options:
                return self._ab(options)
            case Bandit():
                due: Flags = self.due <= (now - self.record.started_at) / _MINUTE
                return due
            case Interleave() as options:
                return self._interleaved(options)
            case _:
                return np.zeros(len(self.screened), dtype=bool)

    def _ab(self, options: AbTest) -> Flags:
        arms = len(self.record.candidates) + 1
        size = sample_size(options, arms=arms)
        stable = self.totals[self.record.stable][options.metric]
        complete, decided = stable[0] >= size, np.zeros(len(stable[0]), dtype=bool)
        for version, is_live in self.live.items():
            ours = self.totals[version][options.metric]
            complete &= (ours[0] >= size) | ~is_live
            if options.sequential:
                radius = running_radius(ours, stable, early_alpha(options, arms=arms), planned=size)
                decided |= is_live & (np.abs(_mean(ours) - _mean(stable)) >= (1 - _ROUNDING) * radius)
        return complete | decided

    def _interleaved(self, options: Interleave) -> Flags:
        found = self.totals[self.record.candidates[0]]
        (n, won), (ties, _) = found[keys.PREFERRED], found[keys.TIES]
        evidence = _lgamma(won + 1) + _lgamma(n - won + 1) - _lgamma(n + 2) + n * math.log(2)
        news: Flags = (evidence >= math.log(1 / options.alpha) - _ROUNDING) | (n + ties >= options.impressions)
        return news


_MINUTE = timedelta(minutes=1)
_ROUNDING = 1e-6


def _sum(found: tuple[Array, Array], more: tuple[Array, Array] | None) -> tuple[Array, Array]:
    return found if more is None else (found[0] + more[0], found[1] + more[1])


def _mean(counts: tuple[Array, Array]) -> Array:
    mean: Array = counts[1] / np.maximum(counts[0], 1)
    return mean
