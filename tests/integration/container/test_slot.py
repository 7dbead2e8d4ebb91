"""What a slot's app and the server's protocol have in common: a queue, and clients that may have gone."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from container.app import Slot, make_slot
from container.settings import Settings
from slipway.serving.http.exchange import GONE, Answer

PREDICT = "/v1/models/tiny-sentiment/predict"


@pytest.fixture
def slot(bundle: Path) -> Slot:
    return make_slot(Settings("tiny-sentiment", 1, root=bundle))


@pytest.fixture
def client(slot: Slot) -> Iterator[TestClient]:
    with TestClient(slot.app) as client:
        yield client


def scope(path: str, **more: Any) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": path, "headers": [], **more}


def refused_while_full(slot: Slot, client: TestClient) -> dict[str, Answer | None]:
    """What is told to requests at some paths while more records wait than may; before any of them is read."""
    many = {"inputs": [{"text": "good"}] * 128}
    end = time.monotonic() + 120
    with ThreadPoolExecutor(1) as pool:
        while time.monotonic() < end:
            asked = pool.submit(client.post, PREDICT, json=many)
            while not asked.done():
                answer = slot.refuse(scope(PREDICT), 0)
                if answer is not None:
                    return {path: slot.refuse(scope(path), 0) for path in ("/ping", "/elsewhere")} | {PREDICT: answer}
    return {}


def test_predictions_are_refused_before_they_are_read_while_the_queue_is_full(slot: Slot, client: TestClient) -> None:
    assert slot.refuse(scope(PREDICT), 0) is None
    found = refused_while_full(slot, client)
    refused = found.pop(PREDICT)
    assert refused is not None
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert found == {"/ping": None, "/elsewhere": None}


def test_a_slot_that_stops_leaves_refusing_to_its_app(slot: Slot, client: TestClient) -> None:
    slot.readiness.end()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, PREDICT, json={"inputs": [{"text": "good"}] * 128})
        while not asked.done():
            assert slot.refuse(scope(PREDICT), 0) is None
    assert asked.result().status_code == 200


@pytest.mark.parametrize("gone", [True, False])
def test_what_a_client_that_is_gone_has_asked_is_not_predicted(slot: Slot, client: TestClient, gone: bool) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b'{"inputs": [{"text": "good"}]}'}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    assert client.portal is not None
    client.portal.call(slot.app, scope(PREDICT, extensions={GONE: lambda: gone}), receive, send)
    assert sent[0]["status"] == (400 if gone else 200)
