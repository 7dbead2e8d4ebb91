"""Two callers of one slot under load, through the whole app: neither keeps the other out."""

import asyncio
import math
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from support.eventually import until
from support.serving import PREDICT, refused

from slipway.config.api import CALLER_HEADER
from slipway.monitoring.telemetry.attempts import BatchedAttempts
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.serving.apis.health import Readiness
from slipway.serving.batching.executor import Executor, Plan
from slipway.serving.batching.threaded import ThreadedRunner
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.served import ServedModels
from slipway.serving.slot.app import slot_app
from slipway.serving.slot.lifecycle import Housekeeping

MODEL, QUEUE = "tiny-sentiment", 4
GREEDY, MODEST = "203.0.113.7 arn:aws:sts::123456789012:assumed-role/batch/{}", "198.51.100.4 ann"
OUTPUT = {"label": "positive", "score": 1.0, "scores": {"negative": 0.0, "neutral": 0.0, "positive": 1.0}}


class Gated:
    """A graph that runs while its gate is open."""

    def __init__(self) -> None:
        self.gate, self.running = threading.Event(), threading.Event()

    def predict_batch(self, records: Any) -> Any:
        self.running.set()
        assert self.gate.wait(60)
        return [OUTPUT for _ in records], None


@dataclass
class Served:
    """A slot whose graph waits for its gate, and what it says of its requests."""

    client: httpx.AsyncClient
    executor: Executor
    graph: Gated
    telemetry: BufferedTelemetry

    def ask(self, caller: str = "", records: int = 1, path: str = PREDICT, **body: Any) -> "asyncio.Task[Any]":
        headers = {CALLER_HEADER: caller} if caller else {}
        sent = body or {"inputs": [{"text": "good"}] * records}
        return asyncio.create_task(self.client.post(path, json=sent, headers=headers))

    async def fill(self, callers: Callable[[int], str]) -> "list[asyncio.Task[Any]]":
        """One request in the graph, and then as many as the queue takes."""
        running = self.ask(callers(0))
        await until(self.graph.running.is_set)
        waiting = []
        for number in range(1, QUEUE + 1):
            waiting.append(self.ask(callers(number)))
            await until(lambda: len(self.executor._waiting) == len(waiting))
        return [running, *waiting]


@contextmanager
def serving(config: Any, loaded: Any) -> Iterator[Served]:
    graph = Gated()
    telemetry = BufferedTelemetry("demo", MODEL, {"Slot": "blue", "Version": "1"}, write=lambda _: None)
    only = config.model_copy(update={"models": {MODEL: config.models[MODEL]}})
    attempts = BatchedAttempts("demo", MODEL, 1, watched=lambda: False, write=lambda _: None)
    executor = Executor(MODEL, graph, Plan(1, 1, 1, 0.0, QUEUE), around=attempts.write)
    runner = ThreadedRunner(executor, telemetry, attempts, version=1, timeout=math.inf)
    pipeline = PredictionPipeline(ServedModels(only, {(MODEL, 1): loaded[MODEL, 1]}), runner)
    app = slot_app(pipeline, Housekeeping(runner, telemetry), Readiness())
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://slot")
    try:
        yield Served(client, executor, graph, telemetry)
    finally:
        graph.gate.set()
        runner.close()


@pytest.fixture
def run(config: Any, loaded_models: Any) -> Callable[[Callable[[Served], Awaitable[None]]], None]:
    def run(scenario: Callable[[Served], Awaitable[None]]) -> None:
        with serving(config, loaded_models) as served:
            asyncio.run(scenario(served))

    return run


def statuses(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_one_that_floods_gives_way_to_another(run: Any) -> None:
    async def scenario(served: Served) -> None:
        flood = await served.fill(GREEDY.format)
        modest = [served.ask(MODEST), served.ask(MODEST)]
        await until(lambda: sum(task.done() for task in flood) == 2)
        problem = refused(flood[-1].result(), 429)
        assert "share of its queue" in problem["detail"]
        assert flood[-1].result().headers["retry-after"] == "1"
        more = [await served.ask(GREEDY.format("more")), await served.ask(MODEST)]
        assert statuses(more) == [429, 429]
        served.graph.gate.set()
        assert statuses(await asyncio.gather(*modest)) == [200, 200]
        assert statuses(await asyncio.gather(*flood)) == [200, 200, 200, 429, 429]
        written = served.telemetry.drain()
        assert '"Kind":"throttled"' in written
        assert not any(name in written for name in ('"Faults"', '"Rejected"', '"Failures"'))

    run(scenario)


def test_alone_a_caller_may_use_all_of_it_and_is_told_that_it_is_full(run: Any) -> None:
    async def scenario(served: Served) -> None:
        flood = await served.fill(GREEDY.format)
        refused(await served.ask(GREEDY.format("more")), 503)
        served.graph.gate.set()
        assert statuses(await asyncio.gather(*flood)) == [200] * (QUEUE + 1)
        assert '"Rejected":1' in served.telemetry.drain()

    run(scenario)


def test_callers_without_a_name_are_one(run: Any) -> None:
    async def scenario(served: Served) -> None:
        flood = await served.fill(lambda _: "")
        refused(await served.ask(), 503)
        named = served.ask(MODEST)
        await until(flood[-1].done)
        served.graph.gate.set()
        assert statuses([await named, await flood[-1]]) == [200, 429]

    run(scenario)


def test_every_protocol_is_refused_in_its_own_form(run: Any) -> None:
    async def scenario(served: Served) -> None:
        flood = await served.fill(GREEDY.format)
        modest = served.ask(MODEST)
        await until(flood[-1].done)
        greedy = GREEDY.format("more")
        tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["bad"]}
        infer = await served.ask(greedy, path=f"/v2/models/{MODEL}/infer", inputs=[tensor])
        assert (infer.status_code, list(infer.json())) == (429, ["error"])
        rank = await served.ask(greedy, path=f"/v1/models/{MODEL}/rank", items=[{"text": "good"}])
        refused(rank, 429)
        refused(await served.ask(greedy, path="/invocations"), 429)
        served.graph.gate.set()
        assert (await modest).status_code == 200

    run(scenario)


def test_two_that_flood_both_get_on(run: Any) -> None:
    async def scenario(served: Served) -> None:
        answered = {GREEDY.format(0): 0, MODEST: 0}

        async def flood(caller: str) -> None:
            while min(answered.values()) < 3:
                answers = await asyncio.gather(*(served.ask(caller) for _ in range(2 * QUEUE)))
                assert set(statuses(answers)) <= {200, 429, 503}
                answered[caller] += statuses(answers).count(200)

        served.graph.gate.set()
        await asyncio.gather(*map(flood, answered))

    run(scenario)
