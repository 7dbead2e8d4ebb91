"""Select the runs of a simulated experiment that need a decision: `ProgressiveScreen` for several arms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from slipway.config.releases.options import AbTest, Bandit, Interleave, Shadow
from slipway.releases.evidence import tallies as keys
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.record.stored_evidence import StoredCapital, StoredTally
from slipway.releases.record.stored_strata import StoredStrata
from slipway.releases.simulation.progressive_screen import (
    ROUNDING,
    Flags,
    counted_block,
    failing_alike,
    found_worse,
    stacked,
)
from slipway.releases.simulation.traffic.streams import Counts
from slipway.releases.simulation.traffic_screen import TrafficScreen
from slipway.releases.simulation.user_screen import UserScreen
from slipway.releases.statistics.capital import Capital
from slipway.releases.statistics.clusters import Sample, difference, student
from slipway.releases.statistics.comparisons import Questions
from slipway.releases.statistics.sample_size import early_alpha, running_radius, sample_size
from slipway.releases.statistics.strata import Strata
from slipway.releases.statistics.user_intervals import needed_effect, sequential_quantile
from slipway.releases.strategies.analysis import EXPERIMENTAL, is_warming_up, questions_of
from slipway.releases.strategies.experiments import live_candidates
from slipway.statistics.betting import Array

_lgamma = np.vectorize(math.lgamma, otypes=[float])
Totals = dict[int, dict[str, tuple[Array, Array]]]


@dataclass(slots=True)
class ExperimentScreen:
    """The runs of one experiment. Only runs in phase `RUNNING` are screened; all others always need a decision.

    ``before`` is each candidate's capital without the newest window, and ``totals_before`` the totals without it.
    ``strata`` are a bandit's rewards by period, of shape [runs, arms]; ``strata_before`` has them without that window.
    ``due`` is the minute from the start at which a run's weights are recomputed.
    """

    record: ReleaseRecord
    asked: Questions
    before: dict[int, Capital]
    capital: dict[int, Capital]
    totals_before: Totals
    totals: Totals
    strata_before: Strata
    strata: Strata
    users: UserScreen
    live: dict[int, Flags]
    due: Array
    suspected: Flags
    screened: Flags
    traffic: TrafficScreen

    @classmethod
    def of(cls, records: Sequence[ReleaseRecord]) -> "ExperimentScreen":
        """Create the screen of runs of one experiment, which differ in the stable version's past."""
        record, runs = records[0], len(records)
        asked = questions_of(record)
        capital = {version: stacked(records, index) for index, version in enumerate(record.candidates)}
        versions = (record.stable, *record.candidates)
        totals: Totals = {v: {key: (np.zeros(runs), np.zeros(runs)) for key in EXPERIMENTAL} for v in versions}
        no = np.zeros(runs, dtype=bool)
        live = {version: no.copy() for version in record.candidates}
        flags = (no.copy(), no.copy())
        traffic = TrafficScreen.of(record, runs)
        strata = Strata.empty(runs, len(versions))
        sums = (totals, totals, strata, strata, UserScreen(), live)
        screen = cls(record, asked, capital, capital, *sums, np.zeros(runs), *flags, traffic)
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
        """Add a window, with its counts by bucket in ``users``, and flag the runs that need a decision on it."""
        self.before, self.totals_before, self.strata_before = self.capital, self.totals, self.strata
        alike = failing_alike(counts, self.record)
        self.capital = {
            version: capital.after(counted_block(counts, version, self.record, start), self.asked, alike=alike)
            for version, capital in self.capital.items()
        }
        self.totals = {
            version: {key: _sum(found, counts[version].get(key)) for key, found in totals.items()}
            for version, totals in self.totals.items()
        }
        if isinstance(self.record.options, Bandit):
            self.strata = self._with_rewards(counts)
        self.users.add(users, minutes, warming_up=is_warming_up(self.record, start))
        over = now >= self._end()
        news = self._news(now) | self.traffic.attention(counts, start, minutes, users)
        ask: Flags = ~self.screened | (self._worse() & ~self.suspected) | news | over
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
            "clusters": self.users.folded(run),
            **self.traffic.folded(run),
        }
        if isinstance(record.options, Bandit):
            update["strata"] = StoredStrata.of(self.strata_before.run(run))
        return record.model_copy(update=update)

    def follow(self, run: int, record: ReleaseRecord) -> None:
        """Continue a run from its decided record."""
        self.screened[run] = record.phase is Phase.RUNNING
        self.traffic.follow(run, record)
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

    def _with_rewards(self, counts: dict[int, Counts]) -> Strata:
        everybody = np.ones(len(self.screened), dtype=bool)
        drawn = [counts[version][keys.REWARD] for version in (self.record.stable, *self.record.candidates)]
        n, total = (np.stack(each, axis=-1) for each in zip(*drawn, strict=True))
        return self.strata.after(n, total, np.stack([everybody, *self.live.values()], axis=-1))

    def _end(self) -> datetime:
        options = self.record.options
        if isinstance(options, Shadow):
            return self.record.phase_since + timedelta(minutes=options.minutes)
        most = options.max_minutes if isinstance(options, AbTest | Bandit | Interleave) else 0.0
        return self.record.started_at + timedelta(minutes=most)

    def _worse(self) -> Flags:
        """Flag the runs with a worse arm."""
        found = [
            self.users.agree(self.asked, version, self.record.stable, found_worse(capital, self.asked))
            for version, capital in self.capital.items()
        ]
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
        if self.users.now:
            return self._ab_by_users(options, arms, size)
        stable = self.totals[self.record.stable][options.metric]
        complete, decided = stable[0] >= size, np.zeros(len(stable[0]), dtype=bool)
        for version, is_live in self.live.items():
            ours = self.totals[version][options.metric]
            complete &= (ours[0] >= size) | ~is_live
            if options.sequential:
                radius = running_radius(ours, stable, early_alpha(options, arms=arms), planned=size)
                decided |= is_live & (np.abs(_mean(ours) - _mean(stable)) >= (1 - ROUNDING) * radius)
        return complete | decided

    def _ab_by_users(self, options: AbTest, arms: int, size: int) -> Flags:
        samples = {version: Sample.counted(*found[options.metric]) for version, found in self.users.now.items()}
        stable, alpha = samples[self.record.stable], early_alpha(options, arms=arms)
        needed = np.ones(len(self.screened))
        decided = np.zeros(len(self.screened), dtype=bool)
        for version, is_live in self.live.items():
            found, spread = difference(samples[version], stable), samples[version].one_variance + stable.one_variance
            needed = np.where(is_live, np.maximum(needed, needed_effect(options, found, arms=arms)), needed)
            errors = student(sequential_quantile(found, spread, alpha, planned=size), found.degrees)
            decided |= is_live & options.sequential & (np.abs(found.value) >= (1 - ROUNDING) * errors * found.error)
        counts = [stable.count, *(np.where(self.live[v], samples[v].count, np.inf) for v in self.live)]
        complete: Flags = np.min(counts, axis=0) >= (1 - ROUNDING) * size * needed
        return complete | decided

    def _interleaved(self, options: Interleave) -> Flags:
        found = self.totals[self.record.candidates[0]]
        (n, won), (ties, _) = found[keys.PREFERRED], found[keys.TIES]
        evidence = _lgamma(won + 1) + _lgamma(n - won + 1) - _lgamma(n + 2) + n * math.log(2)
        decided: Flags = evidence >= math.log(1 / options.alpha) - ROUNDING
        prefer = self.users.prefer(self.record.candidates[0], options.alpha)
        if prefer is not None:
            decided &= prefer
        return decided | (n + ties >= options.impressions)


_MINUTE = timedelta(minutes=1)


def _sum(found: tuple[Array, Array], more: tuple[Array, Array] | None) -> tuple[Array, Array]:
    return found if more is None else (found[0] + more[0], found[1] + more[1])


def _mean(counts: tuple[Array, Array]) -> Array:
    mean: Array = counts[1] / np.maximum(counts[0], 1)
    return mean
