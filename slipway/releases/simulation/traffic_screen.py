"""Watch the traffic of all simulated runs at once, as `strategies.traffic` watches it for each."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from slipway.config.releases.options import Interleave
from slipway.releases.evidence import tallies as keys
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.traffic import StoredTraffic
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.routing.sticky import sticky_of
from slipway.releases.simulation.traffic.streams import Counts
from slipway.releases.statistics.sample_ratio import FIELDS as COUNTS
from slipway.releases.statistics.sample_ratio import ShareCounts, log_evidence_of_users
from slipway.releases.statistics.silence import FIELDS as SILENCE
from slipway.releases.statistics.silence import Silence, audible
from slipway.releases.strategies.traffic import SETTLING, SILENCES, expected_shares, is_watched
from slipway.statistics.betting import Array

Flags = NDArray[np.bool_]
_MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class TrafficScreen:
    """The runs of one release.

    ``before`` is the watch without the newest window. ``since`` is the minute from the start at which the present
    shares began, ``shares`` are those shares, and ``mismatched`` is what the record says.
    """

    record: ReleaseRecord
    before: tuple[ShareCounts, Silence, Array]
    now: tuple[ShareCounts, Silence, Array]
    shares: Array
    since: Array
    mismatched: Flags
    watched: Flags

    @classmethod
    def of(cls, record: ReleaseRecord, runs: int) -> "TrafficScreen":
        """Create the screen of runs that all start from the same record; it follows none yet."""
        versions = len(record.candidates) + 1
        excess = np.zeros((runs, versions, BUCKETS))
        none = (ShareCounts.of(versions, (runs,)), Silence.of(versions - 1, (runs,)), excess)
        no = np.zeros(runs, dtype=bool)
        return cls(record, none, none, np.zeros((runs, versions)), np.zeros(runs), no, no.copy())

    @property
    def sticky(self) -> bool:
        """Whether whole users are assigned, so that they are compared by bucket."""
        return sticky_of(self.record.options) is not None

    def attention(self, counts: dict[int, Counts], start: datetime, minutes: float, users: dict[int, Counts]) -> Flags:
        """Add a window, with its counts by bucket in ``users``, and flag the runs whose traffic says something new."""
        self.before = self.now
        versions = (self.record.stable, *self.record.candidates)
        n = np.stack([counts[version][keys.ERRORS][0] for version in versions], -1)
        settled = self.watched & (self._minute(start) >= self.since + SETTLING / _MINUTE)
        shares, silence, excess = self.now
        seen = None
        if self.sticky:
            none = np.zeros((len(n), BUCKETS))
            by_bucket = np.stack([users[v][keys.ERRORS][0] if users else none for v in versions], axis=1)
            seen = np.count_nonzero(by_bucket[:, 0], axis=-1).astype(np.float64)
            more = by_bucket - self.shares[..., None] * by_bucket.sum(axis=1, keepdims=True)
            excess = _where(settled, excess + more, excess)
        quiet = silence.after(n, self.shares, np.full(len(n), minutes), users=seen)
        counted = shares.after(n, audible(self.shares, quiet))
        self.now = (
            ShareCounts(*(_where(settled, getattr(counted, name), getattr(shares, name)) for name in COUNTS)),
            Silence(*(_where(settled, getattr(quiet, name), getattr(silence, name)) for name in SILENCE)),
            excess,
        )
        changed: Flags = np.not_equal(self._mismatches(), self.mismatched)
        news: Flags = np.logical_and(self.watched, changed | self._silences())
        return news

    def _mismatches(self) -> Flags:
        shares, _, excess = self.now
        evidence = log_evidence_of_users(excess) if self.sticky else shares.evidence
        if isinstance(self.record.options, Interleave):
            return np.zeros(len(evidence), dtype=bool)
        beyond = np.asarray(evidence) >= np.log(1 / self.record.judge.false_rollback)
        mismatched: Flags = np.logical_and(beyond, shares.matters)
        return mismatched

    def _silences(self) -> Flags:
        judge = self.record.judge
        each = self.now[1].silent(judge.silent_minutes, SILENCES * judge.false_rollback)
        silent: Flags = np.any(each, axis=-1)
        return silent

    def is_of_step(self, start: datetime) -> Flags:
        """Flag the runs in which a window began after the traffic had the present shares."""
        of_step: Flags = self._minute(start) >= self.since
        return of_step

    def folded(self, run: int) -> dict[str, object]:
        """The fields of a run's record as if every window before the newest had been decided on."""
        if not self.watched[run]:
            return {}
        shares, silence, excess = self.before
        counted = ShareCounts(*(getattr(shares, name)[run] for name in COUNTS))
        silent = Silence(*(getattr(silence, name)[run] for name in SILENCE))
        return {"traffic": StoredTraffic.of(counted, silent, excess[run] if self.sticky else None)}

    def follow(self, run: int, record: ReleaseRecord) -> None:
        """Continue a run from its decided record."""
        self.watched[run] = is_watched(record)
        self.mismatched[run] = record.mismatched
        self.shares[run] = expected_shares(record, record.weights)
        if record.shares_since is not None:
            self.since[run] = self._minute(record.shares_since)

    def _minute(self, time: datetime) -> float:
        return (time - self.record.started_at) / _MINUTE


def _where(flags: Flags, new: Array, old: Array) -> Array:
    wide = flags.reshape(flags.shape + (1,) * (new.ndim - flags.ndim))
    return np.where(wide, new, old)
