"""Bound what the emulator keeps of logs and metrics, which otherwise grows by some 7 KB with each request.

MiniStack keeps every value of every metric, and a log stream with all its lines for each call of a function.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, cloudwatch_logs

from local.environment.settings import ACCOUNT, REGION

# Under full load on a laptop, those of the last minutes.
POINTS_PER_SERIES = 10_000
LINES_PER_GROUP = 10_000
_EVERY_SECONDS = 5.0
_CALL = "/["  # in the names of streams that MiniStack makes for one call: 2026/11/27/[3]0f1e…

Point = dict[str, Any]
Group = Mapping[str, Any]


def install() -> None:
    """Make this process's MiniStack forget the oldest until it ends."""
    cloudwatch._metric_bucket = series_of
    cloudwatch._evict_old_metrics = evict_old
    threading.Thread(target=_trim_logs, name="old logs", daemon=True).start()


class Series(list[Point]):
    """The latest points of one metric. Equal values of one second are one point with a count."""

    def __init__(self, points: list[Point] | None = None) -> None:
        super().__init__(points or ())
        self._second = -1
        self._of_second: dict[tuple[float, str], Point] = {}

    def append(self, point: Point) -> None:
        """Add a point; forget the oldest tenth when there are too many."""
        if "_stat" in point or not self._merged(point):
            super().append(point)
        if len(self) > POINTS_PER_SERIES:
            del self[: POINTS_PER_SERIES // 10]

    def _merged(self, point: Point) -> bool:
        """Whether a point of this second took it in; if not, the next ones are merged with it."""
        if int(point["Timestamp"]) != self._second:
            self._second, self._of_second = int(point["Timestamp"]), {}
        key = (point["Value"], point["Unit"])
        if (same := self._of_second.get(key)) is None:
            self._of_second[key] = point
            return False
        same["Count"] = same.get("Count", 1.0) + point.get("Count", 1.0)
        return True


def series_of(key: tuple[Any, ...]) -> Series:
    """The points of a metric with its dimensions, created at the first one."""
    found = cloudwatch._metrics.get(key)
    if not isinstance(found, Series):
        found = Series(found)
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
        surplus -= len(streams.pop(name)["events"])
    for stream in streams.values():
        forgotten = min(max(0, surplus), len(stream["events"]))
        del stream["events"][:forgotten]
        surplus -= forgotten


def _trim_logs() -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        with request_scope(ACCOUNT, REGION), cloudwatch_logs._log_events_lock:
            for group in list(cloudwatch_logs._log_groups.values()):
                trim(group)
