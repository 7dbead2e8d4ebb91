"""Runs the pipeline's blocking steps in place, for a process with one request at a time.

`slipway.serving.batching.threaded` is the runner for a process with concurrent requests.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from slipway.errors import MalformedError
from slipway.features.cache import Output
from slipway.models.manifest import Record
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.serving.prediction.request import PredictionRequest
from slipway.serving.prediction.served import ServedModels
from slipway.serving.prediction.version_statistics import Statistics

T = TypeVar("T")


class ClientGoneError(MalformedError):
    """The client closed its connection before its records ran; they were not predicted."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The outputs of a batch, the seconds that the graph ran, and the seconds in the queue if there is one."""

    outputs: Sequence[Output]
    ran: float
    queued: float | None = None


class Runner(Protocol):
    """Runs the steps that wait for tables and graphs, and counts the runs of graphs in ``statistics``."""

    statistics: Statistics

    def deadline(self) -> float:
        """Return when the records of a request that begins now must have started to run, by `time.monotonic`."""
        ...

    async def wait_for(self, step: Callable[[], T]) -> T:
        """Run a step that waits for a table."""
        ...

    async def run(self, request: PredictionRequest, version: int, records: Sequence[Record]) -> Answered:
        """Run the graph of one version on records of one request.

        Raises:
            OverloadedError, ThrottledError, ExpiredError, ClientGoneError: the records were not predicted.
            PredictionError: the version failed.
            UnavailableError: the version cannot currently be loaded.
        """
        ...

    def write_behind(self, write: Callable[[], bool], event: RequestEvent) -> None:
        """Write to the cache, after the answer if possible; count an error if the write returns False."""
        ...


class InlineRunner:
    """Runs every step in place, because a Lambda function has only one request at a time."""

    def __init__(self, models: ServedModels) -> None:
        self.statistics = Statistics()
        self._models = models

    def deadline(self) -> float:
        return math.inf

    async def wait_for(self, step: Callable[[], T]) -> T:
        return step()

    async def run(self, request: PredictionRequest, version: int, records: Sequence[Record]) -> Answered:
        served = self._models.version(request.model, version)
        started = time.perf_counter()
        outputs = served.predictor.predict(records)
        seconds = time.perf_counter() - started
        self.statistics.ran_batch(request.model, version, len(records), seconds)
        return Answered(outputs, seconds)

    def write_behind(self, write: Callable[[], bool], event: RequestEvent) -> None:
        if not write():
            event.count(metrics.CACHE_ERRORS)
