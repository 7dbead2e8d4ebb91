"""A bounded queue of records that hands out batches of records of similar length."""

import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from threading import Lock
from time import monotonic
from typing import Any

from slipway.models.manifest import Record
from slipway.serving.batching.shares import Room, Shares

_MOST_PADDING = 0.25
_LOOKED_AT = 8  # batches' worth of waiting records, which keeps choosing cheap when the queue is long


Disconnected = Callable[[], Awaitable[None]]
"""Returns when the client of a request has closed its connection."""


class Ticket:
    """Collects the outputs of one request's records.

    ``settle`` is called once: without an error by the thread that answers the last record, or with the first error.
    ``outputs`` are in the order of the records. ``disconnected``, if given, returns when the client has left.
    ``taken`` means that a worker has one of the records.
    """

    __slots__ = (
        *("_left", "_lock", "_settle", "caller", "deadline", "disconnected", "dropped", "enqueued", "outputs"),
        *("started", "taken", "watched"),
    )

    def __init__(
        self,
        count: int,
        deadline: float,
        settle: Callable[["Ticket", BaseException | None], None],
        disconnected: Disconnected | None = None,
        caller: str = "",
    ) -> None:
        self.caller = caller
        self.outputs: list[Any] = [None] * count
        self.deadline = deadline
        self.disconnected = disconnected
        self.watched = disconnected is None
        self.enqueued = monotonic()
        self.started = 0.0
        self.taken = False
        self.dropped = False
        self._left = count
        self._lock = Lock()
        self._settle = settle

    def give(self, index: int, output: Any) -> None:
        """Set the output of one record."""
        self.outputs[index] = output
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last and not self.dropped:
            self._settle(self, None)

    def fail(self, error: BaseException) -> None:
        """Settle with an error, and drop the records that still wait."""
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
        """The length in characters of text; computed in a worker's thread, and only if batching is on."""
        if self._length is None:
            self._length = sum(len(value) for value in self.record.values() if isinstance(value, str))
        return self._length


class Waiting:
    """The queue between the event loop and the workers. ``put`` never blocks; ``take`` blocks a worker's thread.

    Args:
        limit: how many records may wait, by `slipway.serving.batching.shares`.
        max_batch: the most records in a batch.
        max_wait: seconds to wait for a batch to fill, from the arrival of its oldest record.
    """

    def __init__(self, limit: int, *, max_batch: int = 1, max_wait: float = 0.0) -> None:
        self._shares = Shares(limit)
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._items: deque[Item] = deque()
        self._lock = Lock()
        self._idle: deque[Lock] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def room(self, caller: str = "", count: int = 1) -> Room:
        """Whether ``count`` more records of a caller may wait."""
        return self._shares.room(caller, count)

    def put(self, items: Sequence[Item]) -> tuple[Room, list[Ticket]]:
        """Add all records of a request or none; also return the requests that made room, which have to be failed."""
        caller = items[0].ticket.caller
        with self._lock:
            room = Room.FULL if self._closed else self.room(caller, len(items))
            displaced: list[Ticket] = []
            if room is Room.YIELDED:
                displaced = self._displace(caller, len(items))
                room = room if displaced else Room.FULL
            if room.is_given:
                self._items.extend(items)
                self._shares.add(caller, len(items))
                for _ in range(min(len(items), len(self._idle))):
                    self._idle.pop().release()  # the worker that slept last has the warmest caches
        return room, displaced

    def take(self, wake: Lock) -> list[Item]:
        """Wait for the next batch; return an empty list once the queue is closed and empty.

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
        """Refuse new records; workers end when the queue is empty. ``drop`` empties it at once."""
        with self._lock:
            self._closed = True
            if drop:
                self._discard(list(self._items))
            while self._idle:
                self._idle.popleft().release()

    def overdue(self, now: float) -> list[Ticket]:
        """Remove and return the requests past their deadline. They queue in order, so only the first are checked."""
        found: dict[Ticket, None] = {}
        with self._lock:
            while self._items and (self._items[0].ticket.dropped or self._items[0].ticket.deadline <= now):
                found[self._popped().ticket] = None
        return [ticket for ticket in found if not ticket.dropped]

    def unwatched(self, before: float) -> list[Ticket]:
        """Return the requests queued before ``before`` whose clients are not yet watched, and mark them watched."""
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
        """Return the seconds to wait for a fuller batch: 0 if a batch is ready, infinity if no record waits."""
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
            wake.acquire()  # it was released after the timeout, so consume that

    def _batch(self) -> list[Item]:
        batch = [self._popped()] if self._max_batch == 1 else self._nearest()
        for item in batch:
            item.ticket.taken = True
        return batch

    def _nearest(self) -> list[Item]:
        items = self._items
        seen = [items[index] for index in range(min(len(items), self._max_batch * _LOOKED_AT))]
        chosen = nearest(seen, self._max_batch)
        self._discard(chosen)
        return chosen

    def _displace(self, caller: str, count: int) -> list[Ticket]:
        """Remove and return the requests that make room for ``count`` records; requests that have begun stay."""
        tickets = list(dict.fromkeys(item.ticket for item in reversed(self._items) if not item.ticket.taken))
        requests = [(ticket.caller, len(ticket.outputs)) for ticket in tickets]
        displaced = [tickets[index] for index in self._shares.yielding(requests, caller, count)]
        gone = set(displaced)
        self._items = deque(item for item in self._items if item.ticket not in gone)
        for ticket in displaced:
            self._shares.remove(ticket.caller, len(ticket.outputs))
        return displaced

    def _popped(self) -> Item:
        item = self._items.popleft()
        self._shares.remove(item.ticket.caller)
        return item

    def _discard(self, items: Sequence[Item]) -> None:
        for item in items:
            self._items.remove(item)
            self._shares.remove(item.ticket.caller)


def nearest(items: Sequence[Item], limit: int) -> list[Item]:
    """Return the first item and up to ``limit - 1`` of similar length, with at most a quarter of the batch padding."""
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
