"""The runner of a process with concurrent requests: tables and graphs each have their own threads."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TypeVar

from slipway.models.manifest import Record
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.attempts import BatchedAttempts
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.serving.batching.executor import Executor
from slipway.serving.prediction.callers import caller_of
from slipway.serving.prediction.request import PredictionRequest
from slipway.serving.prediction.runner import Answered
from slipway.serving.prediction.version_statistics import Statistics

# Fewer than the connections that the client keeps, so that none waits for one.
_TABLE_THREADS = 10
_WRITES_WAITING = 1000

T = TypeVar("T")


class ThreadedRunner:
    """A `Runner` that never blocks the event loop.

    Args:
        executor: runs the graph of this process's one version.
        telemetry: records values that belong to no request.
        attempts: counts the requests that the executor has not ended.
        version: this process's version.
        timeout: seconds within which a request's records must have started to run.
    """

    def __init__(
        self,
        executor: Executor,
        telemetry: BufferedTelemetry,
        attempts: BatchedAttempts,
        *,
        version: int,
        timeout: float,
    ) -> None:
        self.executor = executor
        self.statistics = Statistics()
        self._version = version
        self._telemetry = telemetry
        self._attempts = attempts
        self._timeout = timeout
        self._tables = ThreadPoolExecutor(_TABLE_THREADS, thread_name_prefix="tables")
        self._writes: set[asyncio.Task[None]] = set()

    def deadline(self) -> float:
        return monotonic() + self._timeout

    async def wait_for(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._tables, step)

    async def run(self, request: PredictionRequest, version: int, records: Sequence[Record]) -> Answered:  # noqa: ARG002
        ended, context = self._attempts.begin(request.event.began), request.context
        return await self.executor.predict(
            records, request.deadline, context.disconnected, ended, caller_of(context.caller)
        )

    def write_behind(self, write: Callable[[], bool], event: RequestEvent) -> None:
        """Write in a thread, without delaying the answer; skip the write if too many are waiting."""
        if len(self._writes) >= _WRITES_WAITING:
            event.count(metrics.CACHE_ERRORS)
            return
        task = asyncio.get_running_loop().create_task(self._write(write))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    def submit(self, step: Callable[[], object]) -> None:
        """Run a step that belongs to no request in a table's thread."""
        self._tables.submit(step)

    def tick(self) -> None:
        """Expire overdue requests, watch clients and record the finished batches; call it several times a second."""
        self.executor.tick()
        if self._attempts.pending:  # those that expired, for which no worker writes
            self.submit(self._attempts.write)
        batches = self.executor.batches
        while batches:
            batch = batches.popleft()
            self.statistics.ran_batch(self.executor.name, self._version, batch.size, batch.seconds)
            self._telemetry.observe(metrics.BATCH_SIZE, batch.size)
            if batch.padding is not None:
                self._telemetry.observe(metrics.PADDING_SHARE, round(batch.padding, 4))

    async def drain(self) -> None:
        """Wait for the cache writes of answered requests."""
        if self._writes:
            await asyncio.wait(self._writes)

    def close(self) -> None:
        """Answer the waiting requests, and join all threads."""
        self.executor.close()
        self._attempts.write()
        self._tables.shutdown()

    async def _write(self, write: Callable[[], bool]) -> None:
        if not await self.wait_for(write):
            self._telemetry.observe(metrics.CACHE_ERRORS)
