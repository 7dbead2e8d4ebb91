"""The runner of a process with many requests at a time: tables have threads of their own, and so have graphs."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TypeVar

from slipway.models.manifest import Record
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.serving.batching.executor import Executor
from slipway.serving.prediction.request import PredictionRequest
from slipway.serving.prediction.runner import Answered

# A DynamoDB client keeps ten connections.
_TABLE_THREADS = 10
_WRITES_WAITING = 1000

T = TypeVar("T")


class ThreadedRunner:
    """Never holds the event loop up.

    Args:
        executor: runs the graph of the one version that this process has.
        telemetry: takes what belongs to no request.
        timeout: seconds within which a request's records must have begun to run.
    """

    def __init__(self, executor: Executor, telemetry: BufferedTelemetry, *, timeout: float) -> None:
        self.executor = executor
        self._telemetry = telemetry
        self._timeout = timeout
        self._tables = ThreadPoolExecutor(_TABLE_THREADS, thread_name_prefix="tables")
        self._writes: set[asyncio.Task[None]] = set()

    def deadline(self) -> float:
        return monotonic() + self._timeout

    async def wait_for(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._tables, step)

    async def run(self, request: PredictionRequest, version: int, records: Sequence[Record]) -> Answered:  # noqa: ARG002
        return await self.executor.predict(records, request.deadline, request.context.disconnected)

    def write_behind(self, write: Callable[[], bool], event: RequestEvent) -> None:
        """Write in a thread while the answer is on its way; where writes pile up, do without this one."""
        if len(self._writes) >= _WRITES_WAITING:
            event.count(metrics.CACHE_ERRORS)
            return
        task = asyncio.get_running_loop().create_task(self._write(write))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    def submit(self, step: Callable[[], object]) -> None:
        """Run a step of no request in a table's thread."""
        self._tables.submit(step)

    def tick(self) -> None:
        """Some times a second: end overdue requests, watch for clients that left, and note the batches that ran."""
        self.executor.tick()
        batches = self.executor.batches
        while batches:
            batch = batches.popleft()
            self._telemetry.observe(metrics.BATCH_SIZE, batch.size)
            if batch.padding is not None:
                self._telemetry.observe(metrics.PADDING_SHARE, round(batch.padding, 4))

    async def drain(self) -> None:
        """Finish the writes behind answers that were given."""
        if self._writes:
            await asyncio.wait(self._writes)

    def close(self) -> None:
        """Answer what waits, and end all threads; waits for them."""
        self.executor.close()
        self._tables.shutdown()

    async def _write(self, write: Callable[[], bool]) -> None:
        if not await self.wait_for(write):
            self._telemetry.observe(metrics.CACHE_ERRORS)
