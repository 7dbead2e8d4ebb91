"""Predictions for many clients at a time: tables are waited for in a few threads, graphs run in the executor's."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TypeVar

from slipway.errors import ExpiredError, OverloadedError
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.requests import RequestEvent, error_kind
from slipway.serving.batching.executor import ClientGoneError, Executor
from slipway.serving.http.exchange import Answer, Call, Endpoint, ErrorStyle
from slipway.serving.prediction.request import Ask, Place, PredictionRequest
from slipway.serving.prediction.service import PredictionService
from slipway.serving.slot.forwarding import Forwarding
from slipway.serving.slot.slot_releases import SlotReleases

# A DynamoDB client keeps ten connections.
_TABLE_THREADS = 10
_WRITES_WAITING = 1000
_REFUSALS_KEPT = 64  # callers choose paths

T = TypeVar("T")


class ConcurrentService:
    """Takes the steps of a `PredictionService` without ever holding the event loop up.

    Args:
        service: of one version of one model.
        executor: runs that version's graph.
        telemetry: is told what is of no request.
        timeout: seconds after which a request that has not begun to run is given up.
        forwarding: passes records on that another slot has to predict, where there is one.
        releases: what the slot knows of releases, to be kept fresh.
    """

    def __init__(
        self,
        service: PredictionService,
        executor: Executor,
        telemetry: BufferedTelemetry,
        *,
        timeout: float,
        forwarding: Forwarding | None = None,
        releases: SlotReleases | None = None,
    ) -> None:
        self._service = service
        self._executor = executor
        self._telemetry = telemetry
        self._timeout = timeout
        self._forwarding = forwarding
        self._releases = releases
        self._tables = ThreadPoolExecutor(_TABLE_THREADS, thread_name_prefix="tables")
        self._writes: set[asyncio.Task[None]] = set()
        self._overloaded = OverloadedError(f"model {executor.name}")
        self._refusals: dict[tuple[ErrorStyle, str], Answer] = {}
        # Not timed: answers that cost nothing would make the latency of a service that is overloaded look good.
        self._refused = RequestEvent(executor.name, error_kind(self._overloaded), timed=False)
        self._refused.count(metrics.REJECTED)

    def endpoint(self, parse: Callable[[Call], Ask]) -> Endpoint:
        """An endpoint whose answer is awaited: it is `Predicting`."""

        def predict(call: Call) -> Awaitable[Answer]:
            return self._answer(parse, call)

        return predict

    def has_room(self, count: int) -> bool:
        """Whether so many records more may wait."""
        return self._executor.has_room(count)

    def refuse(self, style: ErrorStyle, path: str) -> Answer:
        """Count a request that finds the queue full; gives what it is told, made once for each path."""
        self._telemetry.note(self._refused)
        answer = self._refusals.get((style, path))
        if answer is None:
            answer = style(self._overloaded, path)
            if len(self._refusals) < _REFUSALS_KEPT:
                self._refusals[style, path] = answer
        return answer

    async def drain(self) -> None:
        """Finish the writes that go on behind answers that were given, and let go of the other slot."""
        if self._writes:
            await asyncio.wait(self._writes)
        if self._forwarding is not None:
            await self._forwarding.close()

    def close(self) -> None:
        """Answer what waits, and end all threads; waits for them."""
        self._executor.close()
        self._releases = None
        self._tables.shutdown()

    def look_after(self) -> None:
        """What is to be done some times a second: end requests that are overdue, and note the batches that were run."""
        self._executor.look_after()
        self._telemetry.fold()
        if self._releases is not None and self._releases.is_due():
            self._tables.submit(self._releases.refresh)
        batches = self._executor.batches
        while batches:
            batch = batches.popleft()
            self._telemetry.observe(metrics.BATCH_SIZE, batch.size)
            if batch.padding is not None:
                self._telemetry.observe(metrics.PADDING_SHARE, round(batch.padding, 4))

    async def _answer(self, parse: Callable[[Call], Ask], call: Call) -> Answer:
        deadline = monotonic() + self._timeout
        ask = parse(call)
        request = self._service.begin(
            ask.model, ask.version, ask.read, call.event, request_id=call.request_id, placing=ask.placing
        )
        rows = await self._in_thread(self._service.fetch, request) if request.missing else {}
        self._service.assign(request, rows)
        if self._forwarding is not None:
            self._forwarding.reassign(request)
        cached = self._service.is_cached(ask.model)
        if cached:
            await self._in_thread(self._service.look_up, request)
        await self._predict(request, deadline, call)
        if cached:
            self._remember(request)
        return ask.answer(self._service.finish(request))

    async def _predict(self, request: PredictionRequest, deadline: float, call: Call) -> None:
        """Predict what has no output yet, here or in the other slot; and here what the other slot did not."""
        left = [place for place in request.places if place.output is None]
        if self._forwarding is not None and (parts := self._forwarding.elsewhere(request)):
            away = [place for part in parts for place, _ in part]
            gone = set(map(id, away))
            here = [place for place in left if id(place) not in gone]
            fetched = (self._forwarding.fetch(request, part, deadline) for part in parts)
            await asyncio.gather(self._infer(request, here, deadline, call), *fetched)
            left = [place for place in away if place.output is None]
        await self._infer(request, left, deadline, call)

    async def _infer(self, request: PredictionRequest, places: Sequence[Place], deadline: float, call: Call) -> None:
        if not places:
            return
        event, version = request.event, str(places[0].version)
        try:
            answered = await self._executor.predict([place.record for place in places], deadline, call.is_gone)
        except OverloadedError:
            event.count(metrics.REJECTED)
            raise
        except (ExpiredError, ClientGoneError):
            event.count(metrics.EXPIRED)
            raise
        event.count(metrics.QUEUE_TIME, round(answered.queued * 1000, 3))
        event.count(metrics.PREDICTIONS, len(places), Version=version)
        event.count(metrics.INFERENCE_LATENCY, round(answered.ran * 1000, 3), Version=version)
        for place, output in zip(places, answered.outputs, strict=True):
            place.output = output

    def _remember(self, request: PredictionRequest) -> None:
        """Write to the cache behind the answer; where writes pile up, it does without this one."""
        if len(self._writes) >= _WRITES_WAITING:
            self._telemetry.observe(metrics.CACHE_ERRORS)
            return
        write = asyncio.get_running_loop().create_task(self._write(request))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def _write(self, request: PredictionRequest) -> None:
        if not await self._in_thread(self._service.remember, request):
            self._telemetry.observe(metrics.CACHE_ERRORS)

    def _in_thread(self, step: Callable[[PredictionRequest], T], request: PredictionRequest) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._tables, step, request)
