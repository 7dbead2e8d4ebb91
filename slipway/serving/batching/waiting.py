"""The records that wait to be predicted: a bounded queue that gives out batches of near length."""

import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from threading import Lock
from time import monotonic
from typing import Any

from slipway.models.manifest import Record

_MOST_PADDING = 0.25
_LOOKED_AT = 8  # batches' worth of waiting records, so that choosing stays cheap however long the queue is


Disconnected = Callable[[], Awaitable[None]]
"""Returns when the client of a request has closed its connection."""


class Ticket:
    """What waits for the answers to the records of one request.

    ``settle`` is called once, from the thread that answered the last record: with the outputs in the order of the
    records, or with the first error. ``disconnected`` returns when the client has left, where that is known.
    """

    __slots__ = (
        *("_left", "_lock", "_settle", "deadline", "disconnected", "dropped", "enqueued", "outputs", "started"),
        "watched",
    )

    def __init__(
        self,
        count: int,
        deadline: float,
        settle: Callable[["Ticket", BaseException | None], None],
        disconnected: Disconnected | None = None,
    ) -> None:
        self.outputs: list[Any] = [None] * count
        self.deadline = deadline
        self.disconnected = disconnected
        self.watched = disconnected is None
        self.enqueued = monotonic()
        self.started = 0.0
        self.dropped = False
        self._left = count
        self._lock = Lock()
        self._settle = settle

    def give(self, index: int, output: Any) -> None:
        """The output of one record."""
        self.outputs[index] = output
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last and not self.dropped:
            self._settle(self, None)

    def fail(self, error: BaseException) -> None:
        """Answer with an error, and drop the records that still wait."""
        with self._lock:
            first, self.dropped = not self.dropped, True
        if first:
            self._settle(self, error)


class Item:
    """One waiting record."""

    __slots__ = ("_length", "index", "record", "ticket")

    def __init__(self, ticket: Ticket, index: int, record: Record) -> None:
        self.ticket = ticket
        self.index = index
        self.record = record
        self._length: int | None = None

    @property
    def length(self) -> int:
        """In characters of text; counted in a worker's thread, and only where there are batches."""
        if self._length is None:
            self._length = sum(len(value) for value in self.record.values() if isinstance(value, str))
        return self._length


class Waiting:
    """The queue between the event loop and the workers. ``put`` never waits; ``take`` does, in a worker's thread.

    Args:
        limit: how many records may wait. A request that finds the queue empty is taken whatever its size.
        max_batch: the most records that are given out together.
        max_wait: seconds to wait for a batch to fill, counted from when its oldest record came.
    """

    def __init__(self, limit: int, *, max_batch: int = 1, max_wait: float = 0.0) -> None:
        self.limit = limit
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._items: deque[Item] = deque()
        self._lock = Lock()
        self._idle: deque[Lock] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def has_room(self, count: int = 1) -> bool:
        """Whether so many records more may wait."""
        waiting = len(self._items)
        return not waiting or waiting + count <= self.limit

    def put(self, items: Sequence[Item]) -> bool:
        """Add the records of a request, all or none; says whether there was room."""
        with self._lock:
            if self._closed or not self.has_room(len(items)):
                return False
            self._items.extend(items)
            for _ in range(min(len(items), len(self._idle))):
                self._idle.pop().release()  # the last to fall asleep: its processor's caches are the warmest
        return True

    def take(self, wake: Lock) -> list[Item]:
        """The next batch, as soon as there is one; an empty list when the queue was closed and is empty.

        ``wake`` is the calling worker's own lock, which it holds.
        """
        while True:
            with self._lock:
                patience = self._patience()
                if patience <= 0:
                    return self._batch()
                if self._closed:
                    return []
                self._idle.append(wake)
            self._sleep(wake, patience)

    def close(self, *, drop: bool = False) -> None:
        """Take no more; the workers end when the queue is empty, which ``drop`` makes it at once."""
        with self._lock:
            self._closed = True
            if drop:
                self._items.clear()
            while self._idle:
                self._idle.popleft().release()

    def overdue(self, now: float) -> list[Ticket]:
        """Take out the requests whose deadline has passed. They came in order, so the first ones are looked at."""
        found: dict[Ticket, None] = {}
        with self._lock:
            while self._items and (self._items[0].ticket.dropped or self._items[0].ticket.deadline <= now):
                found[self._items.popleft().ticket] = None
        return [ticket for ticket in found if not ticket.dropped]

    def unwatched(self, before: float) -> list[Ticket]:
        """The requests that have waited since ``before`` without anybody watching their clients; marks them watched."""
        found: list[Ticket] = []
        with self._lock:
            for item in self._items:
                if item.ticket.enqueued > before:
                    break
                if not item.ticket.watched:
                    item.ticket.watched = True
                    found.append(item.ticket)
        return found

    def _patience(self) -> float:
        """Seconds to wait for a fuller batch; none where it need not be fuller, for ever where nothing waits."""
        if not self._items:
            return math.inf
        if self._max_wait == 0 or self._closed or len(self._items) >= self._max_batch:
            return 0.0
        return self._items[0].ticket.enqueued + self._max_wait - monotonic()

    def _sleep(self, wake: Lock, patience: float) -> None:
        if math.isinf(patience):
            wake.acquire()
        elif not wake.acquire(timeout=patience):
            with self._lock:
                if wake in self._idle:
                    self._idle.remove(wake)
                    return
            wake.acquire()  # somebody released it in between

    def _batch(self) -> list[Item]:
        items = self._items
        if self._max_batch == 1:
            return [items.popleft()]
        seen = [items[index] for index in range(min(len(items), self._max_batch * _LOOKED_AT))]
        chosen = nearest(seen, self._max_batch)
        for item in chosen:
            items.remove(item)
        return chosen


def nearest(items: Sequence[Item], limit: int) -> list[Item]:
    """The first item and up to ``limit - 1`` others of near length, while at most a quarter of the batch is padding."""
    first = items[0]
    batch, longest, total = [first], first.length, first.length
    for item in sorted(items[1:], key=lambda item: abs(item.length - first.length)):
        if len(batch) == limit:
            break
        longest_now, total_now = max(longest, item.length), total + item.length
        if total_now < (1 - _MOST_PADDING) * longest_now * (len(batch) + 1):
            break
        batch.append(item)
        longest, total = longest_now, total_now
    return batch
