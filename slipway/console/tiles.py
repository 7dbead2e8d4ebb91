"""What pages show of AWS: each part is read by itself, kept for a minute, and may fail by itself.

A part whose call is refused or slow shows its last value with the reason, so that no page fails as a whole.
"""

import contextvars
import logging
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar

from slipway.errors import SlipwayError

_LOG = logging.getLogger("slipway.console")
KEPT = timedelta(minutes=1)
WAIT_SECONDS = 8.0
_WORKERS = 12
_ENTRIES = 500

Value = TypeVar("Value")
Other = TypeVar("Other")
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tile(Generic[Value]):
    """A part of a page: its value, when it was read, and why it could not be read now.

    With a ``problem``, the value is an older one, or None if there is none. An ``expired`` one is read anew.
    One that is ``waiting`` is being read still.
    """

    value: Value | None
    at: datetime | None = None
    problem: str | None = None
    expired: bool = False
    waiting: bool = False

    @property
    def stale(self) -> bool:
        """Whether an older value is shown because a newer one could not be read."""
        return self.problem is not None and self.value is not None

    def map(self, change: Callable[[Value], Other]) -> "Tile[Other]":
        """The tile with its value changed, if it has one."""
        return Tile(None if self.value is None else change(self.value), self.at, self.problem, waiting=self.waiting)


class Pending(Generic[Value]):
    """A part that is being read; `tile` waits for it, so that a page begins all its parts before it waits for one."""

    def __init__(self, tile: Callable[[], Tile[Value]]) -> None:
        self.tile = tile


class TileCache:
    """Reads parts of pages in parallel and keeps each for a minute; requests for the same part share one call."""

    def __init__(self, *, clock: Clock = utc_now, wait_seconds: float = WAIT_SECONDS) -> None:
        self._clock = clock
        self._wait = wait_seconds
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="tile")
        self._lock = Lock()
        self._kept: dict[Hashable, Tile[Any]] = {}
        self._running: dict[Hashable, Future[Tile[Any]]] = {}
        self._changes = 0

    def get(self, key: Hashable, read: Callable[[], Value], *, kept: timedelta = KEPT) -> Tile[Value]:
        """The part named ``key``, read by ``read`` unless it was read within ``kept``."""
        return self.begin(key, read, kept=kept).tile()

    def begin(self, key: Hashable, read: Callable[[], Value], *, kept: timedelta = KEPT) -> Pending[Value]:
        """Begin to read a part, without waiting for it. ``read`` must not wait for other parts: the pool is small."""
        with self._lock:
            known = self._kept.get(key)
            if known is not None and self._is_fresh(known, kept):
                return Pending(lambda: known)
            running = self._running.get(key)
            if running is None:
                context = contextvars.copy_context()
                running = self._pool.submit(context.run, self._read, key, read, known, self._changes)
                self._running[key] = running
        return Pending(lambda: self._awaited(running, known))

    def forget(self) -> None:
        """Read everything anew, because something was just changed; what is under way is not kept."""
        with self._lock:
            self._changes += 1
            self._kept = {key: replace(tile, expired=True) for key, tile in self._kept.items()}
            self._running.clear()

    def clear(self) -> None:
        """Drop everything, because it may show what was just erased; what is under way is not kept."""
        with self._lock:
            self._changes += 1
            self._kept.clear()
            self._running.clear()

    def close(self) -> None:
        """End without waiting for calls that are under way."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _is_fresh(self, tile: Tile[Any], kept: timedelta) -> bool:
        changed = tile.expired and kept <= KEPT  # what is kept for longer is not what actions change
        readable = tile.problem is None and not changed
        return readable and tile.at is not None and self._clock() - tile.at < kept

    def _awaited(self, running: Future[Tile[Value]], known: Tile[Value] | None) -> Tile[Value]:
        try:
            return running.result(self._wait)
        except NotYetError:
            slow = f"no answer within {self._wait:g} seconds; the call goes on, and the page shows what it brings"
            return Tile(known.value if known else None, known.at if known else None, slow, waiting=True)

    def _read(self, key: Hashable, read: Callable[[], Value], known: Tile[Value] | None, changes: int) -> Tile[Value]:
        tile = self._tile(key, read, known)
        with self._lock:
            if changes == self._changes:
                self._running.pop(key, None)
                self._kept.pop(key, None)  # so that the order is that of reading
                self._kept[key] = tile
            while len(self._kept) > _ENTRIES:
                self._kept.pop(next(iter(self._kept)))
        return tile

    def _tile(self, key: Hashable, read: Callable[[], Value], known: Tile[Value] | None) -> Tile[Value]:
        at, last = (known.at, known.value) if known else (None, None)
        try:
            return Tile(read(), self._clock())
        except SlipwayError as error:
            return Tile(last, at, str(error))
        except Exception as error:  # noqa: BLE001 - a bug in one part must not take the page away
            _LOG.exception("the part %s of a page", key)
            return Tile(last, at, f"it could not be read ({type(error).__name__}); the console's log says more")
