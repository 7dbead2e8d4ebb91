"""A slot's app under overload: it refuses what its queue does not hold, and drops what nobody waits for."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from container.app import Slot, make_slot
from container.settings import Settings
from slipway.models.prediction.predictor import Predictor

PREDICT = "/v1/models/tiny-sentiment/predict"
BODY = b'{"inputs": [{"text": "good"}]}'

Answer = dict[str, Any]


class Gate(threading.Event):
    """Graphs run while it is set. ``reached`` has one for each batch that found it closed."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Semaphore(0)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate, run = Gate(), Predictor.predict_batch

    def gated(self: Predictor, records: Any) -> Any:
        if not gate.is_set():
            gate.reached.release()
        assert gate.wait(30)
        return run(self, records)

    gate.set()
    monkeypatch.setattr(Predictor, "predict_batch", gated)
    return gate


@pytest.fixture
def slot(bundle: Path, gate: Gate) -> Slot:
    return make_slot(Settings("tiny-sentiment", 1, root=bundle))


@pytest.fixture
def client(slot: Slot, gate: Gate) -> Iterator[TestClient]:
    with TestClient(slot.app) as client:
        yield client
        gate.set()


async def ask(slot: Slot, answers: list[Answer], path: str = PREDICT, leave: Awaitable[Any] | None = None) -> None:
    """A request whose client stays, or closes its connection once ``leave`` is done."""
    messages = iter([{"type": "http.request", "body": BODY}])

    async def receive() -> Answer:
        for message in messages:
            return message
        await (leave or asyncio.get_running_loop().create_future())
        return {"type": "http.disconnect"}

    async def send(message: Answer) -> None:
        if message["type"] == "http.response.start":
            answers.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b"", "root_path": ""}
    await slot.app(scope, receive, send)


def run(client: TestClient, steps: Callable[[], Awaitable[None]]) -> None:
    """On the loop that the slot's housekeeping runs on."""
    assert client.portal is not None
    client.portal.call(steps)


@pytest.mark.parametrize("path", [PREDICT, "/v2/models/tiny-sentiment/infer", "/invocations"])
def test_predictions_beyond_the_queue_are_refused_before_they_are_read(
    slot: Slot, client: TestClient, gate: Gate, path: str
) -> None:
    answers: list[Answer] = []
    plan = slot.housekeeping.runner.executor.plan
    total = plan.queue + plan.sessions * plan.max_batch + 4
    gate.clear()

    async def overload() -> None:
        asked = [asyncio.create_task(ask(slot, answers)) for _ in range(total - 1)]
        await asyncio.wait_for(ask(slot, answers, path), 30)  # the last, which finds no room
        assert {answer["status"] for answer in answers} == {503}
        assert all((b"retry-after", b"1") in answer["headers"] for answer in answers)
        gate.set()
        await asyncio.gather(*asked)

    run(client, overload)
    statuses = [answer["status"] for answer in answers]
    assert len(statuses) == total
    assert statuses.count(200) >= plan.queue
    assert statuses.count(503) >= 4
    assert client.get("/ping").status_code == 200


def test_a_request_whose_client_left_is_not_predicted(slot: Slot, client: TestClient, gate: Gate) -> None:
    answers: list[Answer] = []
    gate.clear()

    async def leave_while_waiting() -> None:
        left = asyncio.get_running_loop().create_future()
        left.set_result(None)
        busy = []
        for _ in range(slot.housekeeping.runner.executor.plan.sessions):
            busy.append(asyncio.create_task(ask(slot, [])))
            assert await asyncio.to_thread(gate.reached.acquire, timeout=30)  # a worker has taken it
        await ask(slot, answers, leave=left)  # ends though no graph has run
        gate.set()
        await asyncio.gather(*busy)

    run(client, leave_while_waiting)
    assert [answer["status"] for answer in answers] == [400]
