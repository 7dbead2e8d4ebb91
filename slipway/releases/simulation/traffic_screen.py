"""Watch the traffic of all simulated runs at once, as `strategies.traffic` watches it for each."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence import tallies as keys
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.traffic import StoredTraffic
from slipway.releases.routing.sticky import sticky_of
from slipway.releases.simulation.traffic import Counts
from slipway.releases.statistics.betting import Array
from slipway.releases.statistics.sample_ratio import FIELDS as COUNTS
from slipway.releases.statistics.sample_ratio import ShareCounts
from slipway.releases.statistics.silence import FIELDS as SILENCE
from slipway.releases.statistics.silence import Silence, audible
from slipway.releases.strategies.traffic import SETTLING, SILENCES, expected_shares, is_watched

Flags = NDArray[np.bool_]
_MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class TrafficScreen:
    """The runs of one release. Users that are assigned as a whole are not screened: they need their buckets.

    ``before`` is the watch without the newest window. ``since`` is the minute from the start at which the present
    shares began, ``shares`` are those shares, and ``mismatched`` is what the record says.
    """

    record: ReleaseRecord
    before: tuple[ShareCounts, Silence]
    now: tuple[ShareCounts, Silence]
    shares: Array
    since: Array
    mismatched: Flags
    watched: Flags

    @classmethod
    def of(cls, record: ReleaseRecord, runs: int) -> "TrafficScreen":
        """Create the screen of runs that all start from the same record; it follows none yet."""
        versions = len(record.candidates) + 1
        none = (ShareCounts.of(versions, (runs,)), Silence.of(versions - 1, (runs,)))
        no = np.zeros(runs, dtype=bool)
        return cls(record, none, none, np.zeros((runs, versions)), np.zeros(runs), no, no.copy())

    def attention(self, counts: dict[int, Counts], start: datetime, minutes: float) -> Flags:
        """Add a window, and flag the runs whose traffic says something new."""
        self.before = self.now
        n = np.stack([counts[version][keys.ERRORS][0] for version in (self.record.stable, *self.record.candidates)], -1)
        settled = self.watched & (self._minute(start) >= self.since + SETTLING / _MINUTE)
        shares, silence = self.now
        quiet = silence.after(n, self.shares, np.full(len(n), minutes))
        counted = shares.after(n, audible(self.shares, quiet))
        self.now = (
            ShareCounts(*(_where(settled, getattr(counted, name), getattr(shares, name)) for name in COUNTS)),
            Silence(*(_where(settled, getattr(quiet, name), getattr(silence, name)) for name in SILENCE)),
        )
        judge = self.record.judge
        mismatched = (self.now[0].evidence >= np.log(1 / judge.false_rollback)) & self.now[0].matters
        silent = self.now[1].silent(judge.silent_minutes, SILENCES * judge.false_rollback).any(axis=-1)
        news: Flags = self.watched & ((mismatched != self.mismatched) | silent)
        return news

    def is_of_step(self, start: datetime) -> Flags:
        """Flag the runs in which a window began after the traffic had the present shares."""
        of_step: Flags = self._minute(start) >= self.since
        return of_step

    def folded(self, run: int) -> dict[str, object]:
        """The fields of a run's record as if every window before the newest had been decided on."""
        if not self.watched[run]:
            return {}
        shares, silence = self.before
        return {
            "traffic": StoredTraffic.of(
                ShareCounts(*(getattr(shares, name)[run] for name in COUNTS)),
                Silence(*(getattr(silence, name)[run] for name in SILENCE)),
            )
        }

    def follow(self, run: int, record: ReleaseRecord) -> None:
        """Continue a run from its decided record."""
        self.watched[run] = is_watched(record) and sticky_of(record.options) is None
        self.mismatched[run] = record.mismatched
        self.shares[run] = expected_shares(record, record.weights)
        if record.shares_since is not None:
            self.since[run] = self._minute(record.shares_since)

    def _minute(self, time: datetime) -> float:
        return (time - self.record.started_at) / _MINUTE


def _where(flags: Flags, new: Array, old: Array) -> Array:
    wide = flags.reshape(flags.shape + (1,) * (new.ndim - flags.ndim))
    return np.where(wide, new, old)
