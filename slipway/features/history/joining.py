"""Point-in-time joins: for each entity and time, where in a history the row lies that the store would have answered.

The history is sorted once by entity and time; every lookup is a binary search. Beside that, the store's own rules are
replayed: the newest event wins, a deleted row is gone, and an expired one is not there.
"""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import InputError
from slipway.features.history.arrow import pyarrow
from slipway.features.history.rows import REMOVALS, SEQUENCE_DIGITS, Change

Longs = NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max
MISSING = -1
"""The place of a row that the store would not have found."""


class AsOf(StrEnum):
    """Which time of a write decides whether it is seen."""

    WRITE = "write"
    """When the store had it: exactly what a read at that time would have answered."""
    EVENT = "event"
    """When its event happened, however late it was written: what a store without any delay would have answered."""


class PointInTime:
    """A history, arranged for lookups.

    Args:
        table: as `read_history` gives it.
        as_of: which time counts.
    """

    def __init__(self, table: Any, as_of: AsOf = AsOf.WRITE) -> None:
        from pyarrow import compute

        pa = pyarrow()
        ids = _encoded(table["id"])
        self.ids, codes = ids.dictionary, ids.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        removed = _bools(compute.is_in(table["change"], value_set=pa.array(list(REMOVALS))))
        events = _longs(table["event_time"], 0)
        order, times = _arranged(table, codes, removed, events, as_of)
        kept = _accepted(codes[order], events[order], removed[order])
        self._order = order[kept]
        self._removed = removed[self._order]
        self._expiry = _longs(table["expires_at"], _NEVER)[self._order]
        self._places = _Places(codes[self._order], times[kept])

    def find(self, ids: Any, times: Longs) -> Longs:
        """The place in the table of each entity's row at each time (milliseconds since 1970), or `MISSING`."""
        if not len(self._order):
            return np.full(len(times), MISSING, np.int64)
        row = self._places.last(self._codes_of(ids), times)
        at = np.maximum(row, 0)
        expiry = self._expiry[at]
        alive = (row >= 0) & ~self._removed[at] & ((expiry == _NEVER) | (expiry > times // 1000))
        return np.where(alive, self._order[at], MISSING)

    def _codes_of(self, ids: Any) -> Longs:
        from pyarrow import compute

        return _longs(compute.index_in(ids, value_set=self.ids), -1)


class _Places:
    """Sorted pairs of a code and a time, each pair packed into one number so that they sort and compare at once."""

    def __init__(self, codes: Longs, times: Longs) -> None:
        self._codes = codes
        self._first, self._last = (int(times.min()), int(times.max())) if len(times) else (0, 0)
        self._width = self._last - self._first + 2
        if not packs(codes, self._width):
            raise InputError.of("history", "has too many entities over too long a time to be joined on this machine")
        self._packed = codes * self._width + (times - self._first + 1)

    def last(self, codes: Longs, times: Longs) -> Longs:
        """The last pair of each code that is no later than a time; negative if there is none."""
        within = np.clip(times, self._first - 1, self._last) - self._first + 1
        wanted = codes * self._width + within
        # In order, lookups stay in the processor's cache, which is several times as fast as at random.
        order = np.argsort(wanted)
        found = np.empty(len(wanted), np.int64)
        found[order] = np.searchsorted(self._packed, wanted[order], side="right") - 1
        return np.where((codes >= 0) & (self._codes[np.maximum(found, 0)] == codes), found, MISSING)


def packs(codes: Longs, width: int) -> bool:
    """Whether a code and one of ``width`` times fit into 63 bits together."""
    return (int(codes.max(initial=0)) + 1) * width < _NEVER


def _encoded(column: Any) -> Any:
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.combine_chunks() if hasattr(encoded, "combine_chunks") else encoded


def _bools(column: Any) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = column.to_numpy()
    return found


def _longs(column: Any, missing: int) -> Longs:
    from pyarrow import compute

    filled: Longs = compute.fill_null(column, missing).to_numpy().astype(np.int64)
    return filled


def _arranged(
    table: Any, codes: Longs, removed: NDArray[np.bool_], events: Longs, as_of: AsOf
) -> tuple[NDArray[np.intp], Longs]:
    """The order of the rows by entity and time, and their times in that order."""
    from pyarrow import compute

    written = _longs(table["written_at"], 0).copy()
    if as_of is AsOf.EVENT:
        times = np.where(removed, written, events)
        return (order := np.lexsort((written, times, codes))), times[order]
    order = _sorted(codes, written)
    shared = np.flatnonzero(_shares_second(codes[order], written[order]))
    if len(shared):
        streamed = _bools(compute.not_equal(table["change"], Change.BACKFILL.value))
        # Changes of one entity and second stand together, so that they can be put right where they stand.
        order[shared] = _settled(table["sequence"], order[shared], (codes, written, streamed))
    return order, written[order]


def _sorted(codes: Longs, times: Longs) -> NDArray[np.intp]:
    """The order by code and time; packed into one number, they sort several times as fast."""
    first, last = int(times.min(initial=_NEVER)), int(times.max(initial=0))
    width = last - first + 1
    return np.argsort(codes * width + (times - first)) if packs(codes, width) else np.lexsort((times, codes))


def _shares_second(codes: Longs, written: Longs) -> NDArray[np.bool_]:
    """Whether another change of the same entity shares a row's second."""
    same = (codes[1:] == codes[:-1]) & (written[1:] // 1000 == written[:-1] // 1000)
    shared = np.zeros(len(codes), bool)
    shared[1:] |= same
    shared[:-1] |= same
    return shared


def _settled(
    sequences: Any, rows: NDArray[np.intp], columns: tuple[Longs, Longs, NDArray[np.bool_]]
) -> NDArray[np.intp]:
    """The order of changes that share seconds: by the stream's sequence, since the clocks of writers may differ.

    Changes ``written`` of the columns in place: where clocks go back, a change gets the time of the one before it.
    """
    codes, written, streamed = columns
    numbers = np.asarray(sequences.take(rows).to_pylist(), dtype=f"S{SEQUENCE_DIGITS}")
    second = written[rows] // 1000
    by_sequence = np.lexsort((numbers, streamed[rows], second, codes[rows]))
    ranks = np.empty(len(rows), np.int64)
    ranks[by_sequence] = np.arange(len(rows))
    own = rows[by_sequence][streamed[rows[by_sequence]]]
    if len(own):
        code, second_of_own = codes[own], written[own] // 1000
        begins = np.r_[True, (code[1:] != code[:-1]) | (second_of_own[1:] != second_of_own[:-1])]
        number = 1000 * np.cumsum(begins)
        written[own] = second_of_own * 1000 + np.maximum.accumulate(number + written[own] % 1000) - number
    return rows[np.lexsort((ranks, streamed[rows], written[rows], codes[rows]))]


def _accepted(codes: Longs, events: Longs, removed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows, in order, the store would have accepted: no write older than the row that it replaces."""
    if not len(codes):
        return np.zeros(0, bool)
    begins = np.r_[True, codes[1:] != codes[:-1]]
    begins[1:] |= removed[:-1]
    if bool(np.all(begins[1:] | removed[1:] | (events[1:] >= events[:-1]))):
        return np.ones(len(codes), bool)  # as of every stream: the store has refused the others itself
    lives = np.cumsum(begins)
    _, ranks = np.unique(events, return_inverse=True)
    steps = lives * (int(ranks.max()) + 1) + np.where(removed, 0, ranks)
    return removed | (steps >= np.maximum.accumulate(steps))
