"""Telemetry of a server that answers many requests a second: gathered for a moment, then written in a few lines.

CloudWatch's embedded format takes up to a hundred values of a metric in one line, so nothing is averaged away.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.metrics import CATALOGUE, metric_line, pages
from slipway.monitoring.telemetry.requests import Dimensions, RequestEvent, Telemetry, write_to_stdout

_TIMES = frozenset(name for name, metric in CATALOGUE.items() if metric.unit == "Milliseconds")
_COUNTED = _TIMES | {metrics.BATCH_SIZE, metrics.PADDING_SHARE, metrics.GPU_UTILIZATION}
"""Of these each value counts, and not their sum."""


@dataclass(slots=True)
class _Aggregate:
    """What was noted under one set of dimensions: sums, and values of which each counts."""

    sums: dict[str, float] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)


class BufferedTelemetry(Telemetry):
    """Notes what requests did; `drain` gives it as lines. For use on one thread.

    Args:
        project: the value of the dimension `Project`.
        model: the model that is served here.
        dimensions: what its metrics have further: `Slot` and `Version`.
    """

    def __init__(
        self,
        project: str,
        model: str,
        dimensions: Mapping[str, str],
        *,
        write: Callable[[str], None] = write_to_stdout,
        **options: Callable[[], float],
    ) -> None:
        super().__init__(project, model, write=write, **options)
        self._model = model
        self._served = dict(dimensions)
        self._gathered: dict[tuple[str | None, Dimensions], _Aggregate] = {}
        self._captures: list[str] = []
        self._ended: list[tuple[RequestEvent, float]] = []

    def note(self, event: RequestEvent) -> None:
        """Count a request that was none to speak of: it took no time."""
        self._ended.append((event, 0.0))

    def observe(self, name: str, value: float = 1) -> None:
        """Note a value of a metric of the served model that is of no request."""
        self._add((self._model, ()), {name: value})

    def drain(self) -> str:
        """Everything that was noted since the last time, as lines; empty where nothing was."""
        self.fold()
        gathered, self._gathered = self._gathered, {}
        captures, self._captures = self._captures, []
        now = int(self._clock() * 1000)
        lines = [
            metric_line(values, self._dimensions(model, own), now)
            for (model, own), noted in gathered.items()
            for values in pages(noted.sums, noted.values)
        ]
        return "".join(f"{line}\n" for line in (*lines, *captures))

    def write(self, text: str) -> None:
        """Write lines that `drain` gave; this may wait for whoever reads the log."""
        if text:
            self._write(text)

    def fold(self) -> None:
        """Add up the requests that have ended; to be called some times a second.

        Request by request that would take several times as long, in caches that a graph has emptied.
        """
        ended, self._ended = self._ended, []
        for event, milliseconds in ended:
            self._fold(event, milliseconds)

    def _emit(self, event: RequestEvent, milliseconds: float) -> None:
        self._ended.append((event, milliseconds))

    def _fold(self, event: RequestEvent, milliseconds: float) -> None:
        event.finish()
        for own, values in self._totals(event, milliseconds):
            self._add((event.model, own), values)
        for own, lists in event.values.items():
            noted = self._gathered.setdefault((event.model, own), _Aggregate())
            for name, each in lists.items():
                noted.values.setdefault(name, []).extend(each)
        self._captures += event.captures

    def _add(self, key: tuple[str | None, Dimensions], values: Mapping[str, float]) -> None:
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
