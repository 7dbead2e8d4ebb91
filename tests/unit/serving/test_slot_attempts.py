"""A slot's attempts: what a process that dies in its graph has said before, and what a request that ends leaves."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.eventually import until

from slipway.errors import ExpiredError, OverloadedError, PredictionError
from slipway.monitoring.telemetry.attempts import BatchedAttempts
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.serving.batching.executor import Executor, Plan
from slipway.serving.batching.threaded import ThreadedRunner
from slipway.serving.prediction.request import ByRecord, PredictionRequest, RequestContext


class Graph:
    """Answers; fails on `bad`; on `poison`, keeps what a crash would leave of the log; waits for its gate on `wait`."""

    def __init__(self, written: list[str]) -> None:
        self.written = written
        self.left: list[str] | None = None
        self.running, self.gate = threading.Event(), threading.Event()

    def predict_batch(self, records: Any) -> Any:
        texts = [record["text"] for record in records]
        if "poison" in texts:
            self.left = list(self.written)
        if "bad" in texts:
            raise PredictionError("the graph failed")
        if "wait" in texts:
            self.running.set()
            assert self.gate.wait(10)
        return [{"value": 1.0} for _ in records], None


def net(written: list[str]) -> int:
    return sum(json.loads(line)["Unfinished"] for line in "".join(written).splitlines() if "Unfinished" in line)


@contextmanager
def slot(**changes: Any) -> Iterator[tuple[Graph, ThreadedRunner, list[str]]]:
    written: list[str] = []
    graph = Graph(written)
    plan = Plan(**{"sessions": 1, "threads": 1, "max_batch": 1, "max_wait_ms": 0.0, "queue": 8, **changes})
    attempts = BatchedAttempts("shop", "big", 2, watched=lambda: True, write=written.append)
    executor = Executor("big", graph, plan, around=attempts.write)
    telemetry = BufferedTelemetry("shop", "big", {"Slot": "blue", "Version": "2"}, write=written.append)
    runner = ThreadedRunner(executor, telemetry, attempts, version=1, timeout=20)
    try:
        yield graph, runner, written
    finally:
        graph.gate.set()
        runner.close()


async def ask(runner: ThreadedRunner, *texts: str, deadline: float | None = None) -> None:
    context = RequestContext(RequestEvent(began=time.time()))
    placing: Any = ByRecord
    given = runner.deadline() if deadline is None else deadline
    request = PredictionRequest("big", None, context, [], [], placing, deadline=given)
    await runner.run(request, 2, [{"text": text} for text in texts])


def test_a_crash_leaves_the_attempts_that_it_took_along_and_no_other() -> None:
    async def main() -> None:
        with slot() as (graph, runner, written):
            for _ in range(5):
                await ask(runner, "good", "day")
            with pytest.raises(PredictionError):
                await ask(runner, "bad")
            await ask(runner, "poison")
            assert graph.left is not None
            assert net(graph.left) == 1
        assert net(written) == 0

    asyncio.run(main())


def test_those_that_wait_behind_a_graph_that_hangs_are_unfinished_too() -> None:
    async def main() -> None:
        with slot(sessions=2) as (graph, runner, written):
            hanging = asyncio.create_task(ask(runner, "wait"))
            await until(graph.running.is_set)
            await ask(runner, "good")
            await until(lambda: net(written) == 1)
            graph.gate.set()
            await hanging
        assert net(written) == 0

    asyncio.run(main())


@pytest.mark.parametrize(("queue", "error"), [(0, OverloadedError), (8, ExpiredError)])
def test_requests_that_the_graph_never_saw_leave_none(queue: int, error: type[Exception]) -> None:
    async def main() -> None:
        with slot(queue=queue) as (graph, runner, written):
            hanging = asyncio.create_task(ask(runner, "wait"))
            await until(graph.running.is_set)
            waiting = asyncio.create_task(ask(runner, "good", "day", deadline=time.monotonic()))
            second = asyncio.create_task(ask(runner, "good", "day", deadline=time.monotonic()))
            await asyncio.sleep(0)
            runner.tick()
            with pytest.raises(error):
                await second
            graph.gate.set()
            await hanging
            await asyncio.gather(waiting, return_exceptions=True)
        assert net(written) == 0

    asyncio.run(main())
