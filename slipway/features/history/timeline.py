"""One feature row through time: what the online store would have answered at any moment."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from slipway.features.history.rows import REMOVALS, Change, HistoryRow


@dataclass(frozen=True, slots=True)
class Timeline:
    """The states of one row, in the order in which the store had them."""

    times: tuple[int, ...]  # milliseconds since 1970
    rows: tuple[HistoryRow, ...]

    @classmethod
    def of(cls, rows: Iterable[HistoryRow]) -> "Timeline":
        """Replay the changes of one row under the store's rule: a write older than the stored row is refused."""
        times: list[int] = []
        kept: list[HistoryRow] = []
        newest: int | None = None
        for time, row in _in_order(list(rows)):
            if row.change in REMOVALS:
                newest = None
            elif row.event_time is None or (newest is not None and row.event_time < newest):
                continue
            else:
                newest = row.event_time
            times.append(time)
            kept.append(row)
        return cls(tuple(times), tuple(kept))

    def as_of(self, milliseconds: int) -> HistoryRow | None:
        """The row that a read at this time would have found; None if it was missing or had expired."""
        place = bisect_right(self.times, milliseconds)
        return _alive(self.rows[place - 1], milliseconds) if place else None

    def begins_by(self, milliseconds: int) -> bool:
        """Whether anything is known of the row at this time."""
        return bool(self.times) and self.times[0] <= milliseconds

    def during(self, first: int, last: int) -> list[HistoryRow | None]:
        """What reads between two times may have found, in order; None stands for no row."""
        begin, end = bisect_right(self.times, first), bisect_right(self.times, last)
        between = (None if row.change in REMOVALS else row for row in self.rows[begin:end])
        return [self.as_of(first), *between, self.as_of(last)]


def _alive(row: HistoryRow, milliseconds: int) -> HistoryRow | None:
    expired = row.expires_at is not None and row.expires_at * 1000 <= milliseconds
    return None if expired or row.change in REMOVALS else row


def _in_order(rows: list[HistoryRow]) -> list[tuple[int, HistoryRow]]:
    """Rows with their times: the stream's by sequence, whose clocks never go back; backfills between them, by time."""
    streamed: list[tuple[int, int, str, HistoryRow]] = []
    latest = 0
    for row in sorted((row for row in rows if row.change is not Change.BACKFILL), key=lambda row: row.sequence):
        latest = max(latest, row.written_at)
        streamed.append((latest, 1, row.sequence, row))
    added = [(row.written_at, 0, row.sequence, row) for row in rows if row.change is Change.BACKFILL]
    ordered = sorted([*streamed, *added], key=lambda each: each[:3])
    return [(time, row) for time, _, _, row in ordered]
