"""Worker threads that predict queued records, so that the event loop never blocks.

Each worker runs one batch at a time. If a graph's answer to a record depends on the rest of its batch, the plan must
limit batches to one record (`slipway.serving.batching.tuning`).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock, Thread
from time import monotonic
from typing import Protocol

from slipway.errors import ExpiredError, OverloadedError, ThrottledError
from slipway.models.manifest import Record
from slipway.models.prediction.tasks import Output
from slipway.serving.batching.shares import Room
from slipway.serving.batching.waiting import Disconnected, Item, Ticket, Waiting
from slipway.serving.prediction.runner import Answered, ClientGoneError

_BATCHES_KEPT = 10_000
_WATCHED_AFTER_SECONDS = 0.25
"""How long a request waits before a task watches its client; a task for every request would cost too much."""
_LOG = logging.getLogger("slipway")
QueueError = OverloadedError | ThrottledError


class PredictsBatch(Protocol):
    """The part of `slipway.models.prediction.predictor.Predictor` that an executor needs; must be thread-safe."""

    def predict_batch(self, records: Sequence[Record]) -> tuple[list[Output], float | None]: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run a graph: the number of concurrent sessions, the threads of each, and the most records in a batch.

    ``max_wait_ms`` limits how long a record waits for its batch to fill; ``queue`` limits how many records wait.
    """

    sessions: int
    threads: int
    max_batch: int
    max_wait_ms: float
    queue: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that was run: its number of records, how long it ran, and its share of padding if known."""

    size: int
    seconds: float
    padding: float | None


def _nothing() -> None:
    """Observe nothing."""


class Executor:
    """Predicts records in its own threads.

    Args:
        name: the model's name in errors.
        predictor: shared by all workers.
        plan: the number of workers, and the limits of batches and queue.
        around: called by the worker's thread before and after each batch.
    """

    def __init__(
        self, name: str, predictor: PredictsBatch, plan: Plan, *, around: Callable[[], None] = _nothing
    ) -> None:
        self.plan = plan
        self.batches: deque[Batch] = deque(maxlen=_BATCHES_KEPT)
        self.name = name
        self._named = f"model {name}"
        self._predictor = predictor
        self._around = around
        self._waiting = Waiting(plan.queue, max_batch=plan.max_batch, max_wait=plan.max_wait_ms / 1000)
        self._watches: set[asyncio.Task[None]] = set()
        self._workers = [
            Thread(target=self._work, name=f"predict-{number}", daemon=True) for number in range(plan.sessions)
        ]
        for worker in self._workers:
            worker.start()

    def room(self, caller: str = "") -> Room:
        """Whether the queue has room for one more record of a caller."""
        return self._waiting.room(caller)

    def submit(
        self,
        records: Sequence[Record],
        deadline: float,
        settle: "Settle",
        disconnected: Disconnected | None = None,
        caller: str = "",
    ) -> None:
        """Queue records; a worker's thread calls ``settle``. ``deadline`` is a time of `time.monotonic`.

        ``settle`` gets a ThrottledError, on this thread, if the records give way to another caller's.

        Raises:
            OverloadedError: the queue is full.
            ThrottledError: the queue is full, and the caller holds its share of it.
        """
        ticket = Ticket(len(records), deadline, settle, disconnected, caller)
        room, displaced = self._waiting.put([Item(ticket, index, record) for index, record in enumerate(records)])
        for other in displaced:
            other.fail(ThrottledError(self._named))
        if not room.is_given:
            raise self.refusal(room)

    def refusal(self, room: Room) -> QueueError:
        """The error of a request that gets no room."""
        return ThrottledError(self._named) if room is Room.OVER_SHARE else OverloadedError(self._named)

    async def predict(
        self,
        records: Sequence[Record],
        deadline: float,
        disconnected: Disconnected | None = None,
        ended: Callable[[], None] = _nothing,
        caller: str = "",
    ) -> Answered:
        """Predict the records of one request, and return the answers in order.

        Args:
            records: one or more.
            deadline: when the records must have started to run, by `time.monotonic`.
            disconnected: returns when the client has closed its connection; awaited only for requests that wait long.
            ended: called once when the records are predicted or refused, by the thread that did it.
            caller: whose share of the queue the records take.

        Raises:
            OverloadedError: the queue is full; raised at once.
            ThrottledError: the queue is full of the caller's records, and other callers wait.
            ExpiredError: the deadline passed while the records waited.
            ClientGoneError: the client disconnected while the records waited.
            PredictionError: the version failed on one of the records.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answered] = loop.create_future()

        def settle(ticket: Ticket, error: BaseException | None) -> None:
            ended()
            loop.call_soon_threadsafe(_resolve, future, error or _answered(ticket))

        try:
            self.submit(records, deadline, settle, disconnected, caller)
        except (OverloadedError, ThrottledError):
            ended()
            raise
        return await future

    def tick(self) -> None:
        """Expire overdue requests, and watch the clients of waiting ones. Call it on the event loop's thread."""
        now = monotonic()
        for ticket in self._waiting.overdue(now):
            ticket.fail(ExpiredError(self._named))
        for ticket in self._waiting.unwatched(now - _WATCHED_AFTER_SECONDS):
            task = asyncio.get_running_loop().create_task(_watch(ticket))
            self._watches.add(task)
            task.add_done_callback(self._watches.discard)

    def close(self, *, drop: bool = False) -> None:
        """Refuse new records, predict the queued ones (or ``drop`` them unanswered), and join the workers."""
        self._waiting.close(drop=drop)
        for worker in self._workers:
            worker.join()

    def _work(self) -> None:
        wake = Lock()
        wake.acquire()
        while items := self._waiting.take(wake):
            live = [item for item in items if self._start(item.ticket)]
            if live:
                self._around()
                self._run(live)
                self._around()

    def _start(self, ticket: Ticket) -> bool:
        """Mark a request as started; return False if it was dropped or is overdue."""
        now = monotonic()
        if ticket.dropped:
            return False
        if not ticket.started:
            if ticket.deadline <= now:
                ticket.fail(ExpiredError(self._named))
                return False
            ticket.started = now
        return True

    def _run(self, items: list[Item]) -> None:
        """Predict a batch; if it fails, predict its records one by one, so that only the faulty ones fail."""
        started = monotonic()
        try:
            outputs, padding = self._predictor.predict_batch([item.record for item in items])
        except Exception as error:  # noqa: BLE001 - the edge of the thread: the request gets the error, the worker goes on
            if len(items) == 1:
                items[0].ticket.fail(error)
                return
            _LOG.warning("a batch of %d records failed, and is run one by one: %s", len(items), error)
            for item in items:
                self._run([item])
            return
        self.batches.append(Batch(len(items), monotonic() - started, padding))
        for item, output in zip(items, outputs, strict=True):
            item.ticket.give(item.index, output)


Settle = Callable[[Ticket, BaseException | None], None]


async def _watch(ticket: Ticket) -> None:
    """Drop a request's records if its client disconnects before they start."""
    if ticket.disconnected is not None:
        await ticket.disconnected()
        if not ticket.started:
            ticket.fail(ClientGoneError.of("(body)", "the client went away before its answer"))


def _resolve(future: "asyncio.Future[Answered]", result: Answered | BaseException) -> None:
    if future.done():  # the request was cancelled
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)


def _answered(ticket: Ticket) -> Answered:
    return Answered(ticket.outputs, monotonic() - ticket.started, ticket.started - ticket.enqueued)
