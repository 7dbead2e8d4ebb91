"""The sums by bucket of all simulated runs, kept as `strategies.user_sums` keeps them for each, and what they say."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Clusters
from slipway.releases.record.stored_evidence import StoredClusters
from slipway.releases.simulation.traffic.streams import Counts
from slipway.releases.statistics.clusters import NO_SAMPLE, Sample, difference, student
from slipway.releases.statistics.comparisons import Comparison, Questions
from slipway.releases.statistics.sign_test import NARROWEST
from slipway.releases.statistics.user_guards import bounds
from slipway.releases.statistics.user_intervals import sequential_quantile
from slipway.releases.strategies.user_sums import LATENCIES, MOST_SUMS, fading
from slipway.statistics.betting import Array

Flags = NDArray[np.bool_]
Sums = dict[int, Counts]
_ROUNDING = 1e-6


@dataclass(slots=True)
class UserScreen:
    """The users of all runs; empty where outcomes are not counted by user. ``before`` lacks the newest window."""

    before: Sums = field(default_factory=dict)
    now: Sums = field(default_factory=dict)

    def add(self, users: Sums, minutes: float, *, warming_up: bool) -> None:
        """Add a window."""
        self.before, left_out = self.now, {keys.TIES, *(LATENCIES if warming_up else ())}
        if not users:
            return
        nothing = np.zeros_like(next(iter(users.values()))[keys.ERRORS][0])
        every = {key for arm in users.values() for key in arm} - left_out
        self.now = {version: dict(self.before.get(version, {})) for version in users}
        for key in every:
            outcomes = [_outcomes(self.before.get(version, {}).get(key)) for version in users]
            kept = fading(key, np.min(np.broadcast_arrays(*outcomes), axis=0), minutes)
            for version, arm in users.items():
                more = arm.get(key, (nothing, nothing))
                self.now[version][key] = _added(self.before.get(version, {}).get(key), more, kept)

    def sample(self, version: int, key: str, runs: NDArray[np.int64] | None = None) -> Sample | None:
        """One version's sample in these runs, by default in all."""
        found = self.now.get(version, {}).get(key)
        if found is None:
            return None
        n, total = found if runs is None else (found[0][runs], found[1][runs])
        return Sample.counted(n, total)

    def agree(self, asked: Questions, candidate: int, stable: int, worse: dict[str, Flags]) -> Flags:
        """Flag the runs in which the users agree on a metric that the bets find ``worse``."""
        found: Flags = np.any(list(worse.values()), axis=0)
        if not self.now or not found.any():
            return found
        runs = np.flatnonzero(found)
        agreed = np.zeros(len(runs), dtype=bool)
        for metric, flags in worse.items():
            if flags[runs].any():
                agreed |= flags[runs] & self._metric(asked, metric, candidate, stable, runs)
        found[runs] = agreed
        return found

    def prefer(self, candidate: int, alpha: float) -> Flags | None:
        """Flag the runs in which most users prefer one of two rankings; None without users."""
        sample = self.sample(candidate, keys.PREFERRED)
        if sample is None:
            return None
        found = difference(sample, NO_SAMPLE, ratio=0.0)
        quantile = sequential_quantile(found, sample.one_variance, alpha, planned=NARROWEST)
        prefer: Flags = np.abs(found.value - 0.5) >= (1 - _ROUNDING) * student(quantile, found.degrees) * found.error
        return prefer

    def folded(self, run: int) -> dict[int, dict[str, StoredClusters]]:
        """One run's sums without the newest window, as a record stores them."""
        known = sorted({key for arm in self.before.values() for key in arm}, key=lambda key: (":" in key, key))
        kept = known[: MOST_SUMS // max(len(self.before), 1)]
        arms = {version: {key: _stored(arm[key], run) for key in kept} for version, arm in self.before.items()}
        return {version: arm for version, arm in arms.items() if arm}

    def _metric(self, asked: Questions, metric: str, candidate: int, stable: int, runs: NDArray[np.int64]) -> Flags:
        rows: Sequence[int] = asked.indices(metric)
        alpha = asked.alpha / (1 if metric in asked.paired else len(rows))
        agreed = [self._row(asked.rows[row], candidate, stable, runs, (alpha, asked.beta)) for row in rows]
        every: Flags = np.all(agreed, axis=0) if metric in asked.paired else np.any(agreed, axis=0)
        return every

    def _row(
        self,
        row: Comparison,
        candidate: int,
        stable: int,
        runs: NDArray[np.int64],
        errors: tuple[float, float],
    ) -> Flags:
        ours, theirs = self.sample(candidate, row.key, runs), self.sample(stable, row.key, runs)
        theirs = theirs if theirs is not None or row.ratio else NO_SAMPLE
        if ours is None or theirs is None:
            return np.ones(len(runs), dtype=bool)
        low, _ = bounds(row, ours, theirs, alpha=errors[0], beta=errors[1])
        agrees: Flags = ~np.isfinite(low) | (low > -_ROUNDING)
        return agrees


def _outcomes(found: tuple[Array, Array] | None) -> Array:
    return np.zeros(()) if found is None else found[0].sum(axis=-1)


def _added(found: tuple[Array, Array] | None, more: tuple[Array, Array], kept: Array) -> tuple[Array, Array]:
    if found is None:
        return more
    each = kept[..., None]
    return found[0] * each + more[0], found[1] * each + more[1]


def _stored(found: tuple[Array, Array], run: int) -> StoredClusters:
    n, total = found
    return StoredClusters.of(Clusters(tuple(n[run].tolist()), tuple(total[run].tolist())))
