"""Bound what the emulator keeps of logs and metrics, which otherwise grows by some 10 KB with each request.

MiniStack keeps every value of every metric, and a log stream with all its lines for each call of a function.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, cloudwatch_logs

from local.environment.settings import ACCOUNT, REGION

# Under full load on a laptop, those of the last minutes.
POINTS_PER_SERIES = 10_000
LINES_PER_GROUP = 10_000
_EVERY_SECONDS = 5.0
_CALL = "/["  # in the names of streams that MiniStack makes for one call: 2026/11/27/[3]0f1e…

Point = Mapping[str, Any]
Group = Mapping[str, Any]


def install() -> None:
    """Make this process's MiniStack forget the oldest until it ends."""
    cloudwatch._metric_bucket = series_of
    cloudwatch._evict_old_metrics = evict_old
    threading.Thread(target=_trim_logs, name="old logs", daemon=True).start()


class Value(Mapping[str, Any]):
    """A value of a metric, read as MiniStack's own dictionary of it, which takes four times the memory."""

    __slots__ = ("at", "count", "named", "value")

    def __init__(self, point: Point, named: Point) -> None:
        self.at: float = point["Timestamp"]
        self.value: float = point["Value"]
        self.count: float = point.get("Count", 1.0)
        self.named = named

    def __getitem__(self, name: str) -> Any:
        match name:
            case "Timestamp":
                return self.at
            case "Value":
                return self.value
            case "Count":
                return self.count
        return self.named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("Timestamp", "Value", "Count", *self.named))

    def __len__(self) -> int:
        return 3 + len(self.named)


class Series(list[Point]):
    """The latest points of one metric. Equal values of one second are one point with a count."""

    def __init__(self, points: Iterable[Point] = ()) -> None:
        super().__init__()
        self._named: Point = {}
        self._second = -1
        self._of_second: dict[tuple[float, str], Value] = {}
        for point in points:
            self.append(point)

    def append(self, point: Point) -> None:
        """Add a point; forget the oldest tenth when there are too many."""
        if "_stat" in point:
            super().append(point)
        elif not self._merged(value := Value(point, self._shared(point))):
            super().append(value)
        if len(self) > POINTS_PER_SERIES:
            del self[: POINTS_PER_SERIES // 10]

    def _shared(self, point: Point) -> Point:
        """The unit and the dimensions of a point; those of the last point if they are equal."""
        named = {name: point[name] for name in ("Unit", "Dimensions")}
        if named != self._named:
            self._named = named
        return self._named

    def _merged(self, value: Value) -> bool:
        """Whether a point of this second took it in; if not, the next ones are merged with it."""
        if int(value.at) != self._second:
            self._second, self._of_second = int(value.at), {}
        key = (value.value, value["Unit"])
        if (same := self._of_second.get(key)) is None:
            self._of_second[key] = value
            return False
        same.count += value.count
        return True


def series_of(key: tuple[Any, ...]) -> Series:
    """The points of a metric with its dimensions, created at the first one."""
    found = cloudwatch._metrics.get(key)
    if not isinstance(found, Series):
        found = Series(found or ())
        cloudwatch._metrics[key] = found
    return found


def evict_old() -> None:
    """Do nothing: `Series` forgets by number, and MiniStack's own pass would copy all points at each call."""


def trim(group: Group, most: int = LINES_PER_GROUP) -> None:
    """Forget a log group's oldest lines down to ``most``: the streams of past calls, then the start of long streams.

    A task writes to its stream as long as it lives, and loses what it writes to one that is gone.
    """
    streams = group["streams"]
    surplus = sum(len(stream["events"]) for stream in streams.values()) - most
    for name in [name for name in streams if _CALL in name]:
        if surplus <= 0:
            return
        surplus -= _forget(streams.pop(name)["events"])
    for stream in streams.values():
        surplus -= _forget(stream["events"], max(0, surplus))


def _forget(events: list[dict[str, Any]], most: int | None = None) -> int:
    """Forget the first events, with the records of them that `GetLogRecord` reads; returns how many."""
    forgotten = events[:most]
    for event in forgotten:
        cloudwatch_logs._log_records.pop(event.get("eventId"), None)
    del events[:most]
    return len(forgotten)


def _trim_logs() -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        with request_scope(ACCOUNT, REGION), cloudwatch_logs._log_events_lock:
            for group in list(cloudwatch_logs._log_groups.values()):
                trim(group)
