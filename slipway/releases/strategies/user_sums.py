"""The sums by bucket of the sticky value that a record keeps: experiments' since the start, and guards' of late."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import NOTHING, Clusters, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.stored_evidence import StoredClusters
from slipway.releases.routing.buckets import BUCKETS
from slipway.statistics.betting import Array

# The most sums by bucket in a record, over versions and keys: 110 KB of the 400 KB of an item.
MOST_SUMS = 80
# Guards remember this many minutes, or this many outcomes of each version where that is longer. A candidate that turns
# bad must not hide behind good days.
_MEMORY_MINUTES, _MEMORY_OUTCOMES = 30.0, 20_000.0
_SINCE_THE_START = {keys.REWARD, keys.ACCURACY, keys.PREFERRED}
LATENCIES = {keys.P50, keys.P99}
Sums = dict[int, dict[str, StoredClusters]]


def user_sums(record: ReleaseRecord, windows: Sequence[Window], is_warming_up: Callable[[Window], bool]) -> Sums:
    """The record's sums with the new windows added. Labels and values are left out first if there are too many."""
    sums = {version: dict(record.clusters.get(version, {})) for version in (record.stable, *record.candidates)}
    for window in windows:
        left_out = LATENCIES if is_warming_up(window) else set()
        for key in _counted(sums, window) - left_out:
            _add(sums, window, key)
    known = sorted({key for arm in sums.values() for key in arm}, key=lambda key: (":" in key, key))
    kept = set(known[: MOST_SUMS // len(sums)])
    return {version: {key: arm[key] for key in arm if key in kept} for version, arm in sums.items() if arm}


def remembered(least: Array, minutes: float) -> Array:
    """The part of the guards' sums that is kept over ``minutes``, if each version has at least ``least`` outcomes."""
    return np.where(least > _MEMORY_OUTCOMES, np.exp(-minutes / _MEMORY_MINUTES), 1.0)


def _counted(sums: Sums, window: Window) -> set[str]:
    """The keys that are counted by bucket, of any version: those of a version without users count as of no user."""
    return {key for arms in (sums, window.clusters) for arm in arms.values() for key in arm}


def _add(sums: Sums, window: Window, key: str) -> None:
    least = min(_outcomes(arm.get(key)) for arm in sums.values())
    kept = float(fading(key, np.array(least), window.minutes))
    for version, arm in sums.items():
        arm[key] = _sum(arm.get(key), window.clusters.get(version, {}).get(key), window.tally(version, key), kept)


def fading(key: str, outcomes: Array, minutes: float) -> Array:
    """The part of a sum of so many outcomes, of each version at least, that is kept for a window of ``minutes``."""
    return np.ones_like(outcomes) if key in _SINCE_THE_START else remembered(outcomes, minutes)


def _sum(before: StoredClusters | None, added: Clusters | None, everything: Tally, kept: float) -> StoredClusters:
    none = Clusters((0.0,) * BUCKETS, (0.0,) * BUCKETS)
    users, rest = (before.unpacked(), before.rest) if before else (none, NOTHING)
    added = added or none
    # Log lines and metrics differ by a few requests: one window has too little left, and another too much.
    left, left_total = everything.n - sum(added.n), everything.total - sum(added.total)
    more = Tally(rest.n * kept + left, rest.total * kept + left_total)
    return StoredClusters.of(Clusters(*(tuple(each) for each in _faded(users, added, kept))), more)


def _faded(users: Clusters, added: Clusters, kept: float) -> Iterator[Iterator[float]]:
    for old, new in ((users.n, added.n), (users.total, added.total)):
        yield (before * kept + more for before, more in zip(old, new, strict=True))


def _outcomes(stored: StoredClusters | None) -> float:
    return sum(stored.unpacked().n) + stored.rest.n if stored else 0.0
