"""Counts the attempts that have not ended: one that hangs or crashes its process records nothing afterwards.

An attempt adds 1 to `Unfinished` before it runs and takes it away when it ends, both at the time its request began. So
the sum of a minute is the number of that minute's attempts that never ended.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.metrics import metric_line
from slipway.monitoring.telemetry.requests import write_to_stdout

_MINUTE_SECONDS = 60


def _nothing() -> None:
    """End an attempt that is not counted."""


class Attempts:
    """The attempts of a process with one request at a time, written as they begin and end.

    Args:
        project: the value of the dimension `Project`.
        write: receives whole lines; by default writes to standard output.
    """

    def __init__(self, project: str, *, write: Callable[[str], None] = write_to_stdout) -> None:
        self._project = project
        self._write = write

    @contextmanager
    def __call__(self, model: str, version: int, began: float) -> Iterator[None]:
        """Count an attempt by a version while the context runs; its request ``began`` then, in seconds."""
        dimensions = {metrics.PROJECT: self._project, metrics.MODEL: model, metrics.VERSION: str(version)}
        self._write(_line(1, dimensions, int(began * 1000)))
        try:
            yield
        finally:
            self._write(_line(-1, dimensions, int(began * 1000)))


class BatchedAttempts:
    """The attempts of a slot. Its workers write what has changed before and after each batch. Thread-safe.

    Args:
        project: the value of the dimension `Project`.
        model: the slot's model.
        version: the slot's version.
        watched: whether a release is comparing the slots; attempts are counted only then.
        write: receives whole lines; by default writes to standard output.
    """

    def __init__(
        self,
        project: str,
        model: str,
        version: int,
        *,
        watched: Callable[[], bool],
        write: Callable[[str], None] = write_to_stdout,
    ) -> None:
        self._dimensions = {metrics.PROJECT: project, metrics.MODEL: model, metrics.VERSION: str(version)}
        self._watched = watched
        self._write = write
        self._changes: Counter[int] = Counter()
        self._counting = Lock()
        self._writing = Lock()

    @property
    def pending(self) -> bool:
        """Whether there are changes to write."""
        return bool(self._changes)

    def begin(self, began: float) -> Callable[[], None]:
        """Count an attempt of a request that ``began`` then, in seconds; call the result once when it ends."""
        if not self._watched():
            return _nothing
        minute = int(began) // _MINUTE_SECONDS
        self._count(minute, 1)
        return lambda: self._count(minute, -1)

    def write(self) -> None:
        """Write the changes since the last call; returns only when those that another thread writes are out, too."""
        if not self._changes and not self._writing.locked():
            return
        with self._writing:
            with self._counting:
                changes, self._changes = self._changes, Counter()
            lines = [
                _line(change, self._dimensions, minute * _MINUTE_SECONDS * 1000)
                for minute, change in changes.items()
                if change
            ]
            if lines:
                self._write("".join(lines))

    def _count(self, minute: int, change: int) -> None:
        with self._counting:
            self._changes[minute] += change


def _line(change: int, dimensions: Mapping[str, str], timestamp_ms: int) -> str:
    return f"{metric_line({metrics.UNFINISHED: change}, dimensions, timestamp_ms)}\n"
