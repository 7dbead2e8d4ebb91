"""Collects the telemetry of one request while it runs, and writes it to standard output in one piece when it ends.

Telemetry makes no network calls, so it adds no round trip and cannot fail a request.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType

from slipway.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    PredictionError,
    ThrottledError,
    TooLargeError,
    UnavailableError,
)
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.instrumentation import single_metric_line
from slipway.monitoring.telemetry.metrics import Kind, metric_line, pages
from slipway.monitoring.telemetry.segments import Group, segment_line

_KINDS: tuple[tuple[type[Exception], Kind], ...] = (
    (TooLargeError, Kind.TOO_LARGE),
    (InputError, Kind.INPUT),
    (NotFoundError, Kind.NOT_FOUND),
    (ConflictError, Kind.CONFLICT),
    (ThrottledError, Kind.THROTTLED),
    (UnavailableError, Kind.UNAVAILABLE),
    (PredictionError, Kind.MODEL),
)


def error_kind(error: BaseException) -> Kind:
    """Return the kind that an error is counted as."""
    return next((kind for cls, kind in _KINDS if isinstance(error, cls)), Kind.INTERNAL)


Dimensions = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class RequestEvent:
    """The telemetry of one request. ``model`` is set once the model is known to be deployed.

    ``began`` is in seconds since the epoch. Lines carry it as their time, because a request belongs to the minute in
    which its attempt was recorded. ``later`` is called once before the event is written, to add to it; a server calls
    it after the answer has been sent.
    """

    model: str | None = None
    kind: Kind | None = None
    timed: bool = True
    began: float = 0.0
    counts: dict[Dimensions, dict[str, float]] = field(default_factory=dict)
    values: dict[Dimensions, dict[str, list[float]]] = field(default_factory=dict)
    groups: dict[Group, dict[str, float]] = field(default_factory=dict)
    captures: list[str] = field(default_factory=list)
    later: Callable[[], None] | None = None

    def finish(self) -> None:
        """Run ``later`` once, and let go of it: it holds the request, which holds this event."""
        later, self.later = self.later, None
        if later is not None:
            later()

    def count(self, name: str, value: float = 1, **dimensions: str) -> None:
        """Add to a metric; the request's model is always among its dimensions."""
        values = self.counts.setdefault(tuple(dimensions.items()), {})
        values[name] = values.get(name, 0) + value

    def count_group(self, group: Group, counts: Mapping[str, float]) -> None:
        """Add to the counts of a group of records."""
        added = self.groups.setdefault(group, {})
        for name, count in counts.items():
            added[name] = added.get(name, 0) + count

    def observe(self, name: str, value: float, **dimensions: str) -> None:
        """Record a value of a metric whose values are kept single, not summed."""
        self.values.setdefault(tuple(dimensions.items()), {}).setdefault(name, []).append(value)


class RequestTimer:
    """The context manager of a running request; `contextlib`'s would double the cost of its telemetry."""

    __slots__ = ("_emit", "_event", "_started")

    def __init__(self, event: RequestEvent, emit: Callable[[RequestEvent, float], None]) -> None:
        self._event = event
        self._emit = emit

    def __enter__(self) -> RequestEvent:
        self._started = time.perf_counter()
        return self._event

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, Exception):
            self._event.kind = error_kind(error)
        self._emit(self._event, (time.perf_counter() - self._started) * 1000)


def write_to_stdout(text: str) -> None:
    """Write and flush; ignores a closed log, which must not fail the request."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        return


def _drop(text: str) -> None:
    """Discard the text."""


class Telemetry:
    """Times requests and writes their telemetry.

    Args:
        project: the value of the dimension `Project`.
        function: the name of the deployable, for which one cold start is counted.
        code_version: the published version of the function that runs, for which faults are counted; None elsewhere.
        not_loaded: the model of each deployed version that this process could not load, counted with the cold start.
        write: receives whole lines; by default writes to standard output.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        project: str,
        function: str,
        *,
        code_version: str | None = None,
        not_loaded: Iterable[str] = (),
        write: Callable[[str], None] = write_to_stdout,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._project = project
        self._function = function
        self._code: Dimensions = (
            ((metrics.FUNCTION, function), (metrics.EXECUTED_VERSION, code_version)) if code_version else ()
        )
        self._write = write
        self._clock = clock
        self._cold = True
        self._not_loaded = Counter(not_loaded)

    def write(self, text: str) -> None:
        """Write whole lines, unless telemetry is silenced."""
        if text:
            self._write(text)

    def request(self, *, timed: bool = True) -> "RequestTimer":
        """Count and time the request in this context; an exception is counted by its kind and propagates."""
        return RequestTimer(RequestEvent(timed=timed, began=self._clock()), self._emit)

    @contextmanager
    def silenced(self) -> Iterator[None]:
        """Discard the telemetry of synthetic requests in this context; a cold start still counts afterwards."""
        write, self._write = self._write, _drop
        cold = self._cold
        try:
            yield
        finally:
            self._write, self._cold = write, cold

    def _emit(self, event: RequestEvent, milliseconds: float) -> None:
        event.finish()
        began = int(event.began * 1000)
        lines = [self._line(began, dict(key), values, event.model) for key, values in self._totals(event, milliseconds)]
        for key, lists in event.values.items():
            named = dict(key)
            found = pages({}, lists, single=metrics.BUCKET in named)
            lines += [self._line(began, named, page, event.model) for page in found]
        if self._cold:
            self._cold = False
            dimensions = {metrics.PROJECT: self._project, metrics.FUNCTION: self._function}
            lines.append(single_metric_line(metrics.COLD_STARTS, 1, dimensions, began))
            for model, versions in self._not_loaded.items():
                lines.append(self._line(began, {}, {metrics.NOT_LOADED: versions}, model))
        lines += [segment_line(group, counts, began) for group, counts in event.groups.items()]
        self._write("\n".join([*lines, *event.captures]) + "\n")

    def _totals(self, event: RequestEvent, milliseconds: float) -> Iterator[tuple[Dimensions, Mapping[str, float]]]:
        """Yield the counts by dimensions; if a single version has counts, they share the request's own line."""
        own: dict[str, float] = {metrics.REQUESTS: 1, **event.counts.get((), {})}
        if event.timed:
            own[metrics.LATENCY] = round(milliseconds, 3)
        code: Dimensions = ()
        if event.kind is not None:
            own[metrics.ERRORS] = 1
            if event.kind in metrics.FAULT_KINDS:
                own[metrics.FAULTS] = 1
                code = self._code
        rest = [(key, values) for key, values in event.counts.items() if key]
        shared: Dimensions = ()
        if len(rest) == 1 and event.kind is None:
            shared, values = rest.pop()
            own |= values
        yield (*shared, *(((metrics.KIND, event.kind.value),) if event.kind else ()), *code), own
        yield from rest

    def _line(
        self, began: int, dimensions: dict[str, str], values: Mapping[str, float | list[float]], model: str | None
    ) -> str:
        named = {metrics.PROJECT: self._project, **dimensions}
        if model is not None:
            named[metrics.MODEL] = model
        return metric_line(values, named, began)
