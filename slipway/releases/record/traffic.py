"""The stored form of what is known of a release's traffic: its shares, and the silence of its candidates."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from slipway.releases.record.phases import Stored
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.statistics.sample_ratio import FIELDS as COUNTS
from slipway.releases.statistics.sample_ratio import ShareCounts
from slipway.releases.statistics.silence import FIELDS as SILENCE
from slipway.releases.statistics.silence import Silence
from slipway.statistics.betting import Array

_Rows = tuple[tuple[float, ...], ...]
# Requests by bucket are kept to a thousandth, so that ten versions take 20 KB of a record.
_DIGITS = 3


class StoredTraffic(Stored):
    """`ShareCounts` and `Silence`, field by field.

    ``excess`` is each version's requests by bucket of the sticky value, less its share of that bucket's.
    """

    counts: _Rows
    silence: _Rows
    excess: _Rows = ()

    @classmethod
    def of(cls, counts: ShareCounts, silence: Silence, excess: Array | None = None) -> "StoredTraffic":
        """Convert for storage."""
        kept = () if excess is None else _rows(np.round(excess, _DIGITS))
        return cls.model_construct(counts=_fields(counts, COUNTS), silence=_fields(silence, SILENCE), excess=kept)

    @property
    def share_counts(self) -> ShareCounts:
        """Convert back to arrays."""
        return ShareCounts(*map(_array, self.counts, _WIDE_COUNTS))

    @property
    def silences(self) -> Silence:
        """Convert back to arrays."""
        return Silence(*map(_array, self.silence, _WIDE_SILENCE))

    @property
    def excess_by_bucket(self) -> Array:
        """The excess of each version, of shape [versions, buckets]."""
        if not self.excess:
            return np.zeros((len(self.counts[0]), BUCKETS))
        return np.array(self.excess, dtype=float)


# Which fields have a value for each version, or for each candidate.
_WIDE_COUNTS = tuple(name in {"shares", "n", "squares", "seen", "expected"} for name in COUNTS)
_WIDE_SILENCE = tuple(name != "windows" for name in SILENCE)


def _array(values: tuple[float, ...], wide: bool) -> Array:  # noqa: FBT001 - `map` gives it by position
    array: Array = np.array(values, dtype=float)
    return array if wide else array.reshape(())


def _fields(values: Any, names: Iterable[str]) -> _Rows:
    return _rows(np.atleast_1d(getattr(values, name)) for name in names)


def _rows(values: Iterable[Array]) -> _Rows:
    return tuple(tuple(row.tolist()) for row in values)
