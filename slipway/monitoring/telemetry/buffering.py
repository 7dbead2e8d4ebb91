"""Telemetry of a server with many requests a second, aggregated in memory and then written as a few lines.

CloudWatch's embedded metric format takes up to a hundred values of a metric in one line, so no value is averaged away.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.metrics import CATALOGUE, metric_line, pages
from slipway.monitoring.telemetry.requests import Dimensions, RequestEvent, Telemetry, write_to_stdout
from slipway.monitoring.telemetry.segments import Group, segment_line

_TIMES = frozenset(name for name, metric in CATALOGUE.items() if metric.unit == "Milliseconds")
_COUNTED = _TIMES | {metrics.BATCH_SIZE, metrics.PADDING_SHARE, metrics.GPU_UTILIZATION}
"""The metrics whose single values are recorded instead of their sum."""


_MINUTE_SECONDS = 60
_Key = tuple[int, str | None, Dimensions]
"""The minute since the epoch in which the requests began, their model, and their further dimensions."""


@dataclass(slots=True)
class _Aggregate:
    """The sums and single values recorded under one set of dimensions."""

    sums: dict[str, float] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)


class BufferedTelemetry(Telemetry):
    """Aggregates request events until `drain` returns them as lines. For use on one thread.

    Args:
        project: the value of the dimension `Project`.
        model: the model that this process serves.
        dimensions: the further dimensions of that model's metrics: `Slot` and `Version`.
    """

    def __init__(
        self,
        project: str,
        model: str,
        dimensions: Mapping[str, str],
        *,
        write: Callable[[str], None] = write_to_stdout,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(project, model, write=write, clock=clock)
        self._model = model
        self._served = dict(dimensions)
        self._gathered: dict[_Key, _Aggregate] = {}
        self._groups: dict[Group, dict[str, float]] = {}
        self._captures: list[str] = []
        self._ended: list[tuple[RequestEvent, float]] = []

    def note(self, event: RequestEvent) -> None:
        """Record a request that did no work and took no time."""
        self._ended.append((event, 0.0))

    def observe(self, name: str, value: float = 1) -> None:
        """Record a value of the served model that belongs to no request."""
        self._add((_minute(self._clock()), self._model, ()), {name: value})

    def drain(self) -> str:
        """Return everything recorded since the last call as lines, and reset; empty if there was nothing.

        A line has the requests of one minute and a time in it, so that a request's counts and its attempt agree.
        """
        self.fold()
        gathered, self._gathered = self._gathered, {}
        groups, self._groups = self._groups, {}
        captures, self._captures = self._captures, []
        now = int(self._clock() * 1000)
        lines = []
        for (minute, model, own), noted in gathered.items():
            named = self._dimensions(model, own)
            found = pages(noted.sums, noted.values, single=metrics.BUCKET in named)
            lines += [metric_line(values, named, min(now, _last_ms(minute))) for values in found]
        lines += [segment_line(group, counts, now) for group, counts in groups.items()]
        return "".join(f"{line}\n" for line in (*lines, *captures))

    def fold(self) -> None:
        """Aggregate the requests that have ended; call it several times a second.

        Aggregating each request as it ends takes several times as long, because a graph has just evicted the
        processor's caches.
        """
        ended, self._ended = self._ended, []
        for event, milliseconds in ended:
            self._fold(event, milliseconds)

    def _emit(self, event: RequestEvent, milliseconds: float) -> None:
        self._ended.append((event, milliseconds))

    def _fold(self, event: RequestEvent, milliseconds: float) -> None:
        event.finish()
        minute = _minute(event.began or self._clock())
        for own, values in self._totals(event, milliseconds):
            self._add((minute, event.model, own), values)
        for own, lists in event.values.items():
            noted = self._gathered.setdefault((minute, event.model, own), _Aggregate())
            for name, each in lists.items():
                noted.values.setdefault(name, []).extend(each)
        for group, counts in event.groups.items():
            summed = self._groups.setdefault(group, {})
            for name, count in counts.items():
                summed[name] = summed.get(name, 0) + count
        self._captures += event.captures

    def _add(self, key: _Key, values: Mapping[str, float]) -> None:
        noted = self._gathered.get(key)
        if noted is None:
            noted = self._gathered[key] = _Aggregate()
        for name, value in values.items():
            if name in _COUNTED:
                noted.values.setdefault(name, []).append(value)
            else:
                noted.sums[name] = noted.sums.get(name, 0) + value

    def _dimensions(self, model: str | None, own: Dimensions) -> dict[str, str]:
        named = {metrics.PROJECT: self._project, **dict(own)}
        if model is not None:
            named[metrics.MODEL] = model
        return named | self._served if model == self._model else named


def _minute(seconds: float) -> int:
    return int(seconds) // _MINUTE_SECONDS


def _last_ms(minute: int) -> int:
    """Return the last millisecond of a minute since the epoch."""
    return (minute + 1) * _MINUTE_SECONDS * 1000 - 1
