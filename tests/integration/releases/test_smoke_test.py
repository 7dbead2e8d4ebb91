"""Versions are tried out over real HTTP."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from slipway.releases.controller.heavy import Result
from slipway.releases.controller.smoke_test import ApiSmokeTest

DESCRIBED = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1, 1]}]}


class Slot:
    """What answers: `status` to inference."""

    status = 200

    described = 200

    def __init__(self) -> None:
        self.answer: Any = {"outputs": []}
        self.calls: list[tuple[str, str, str | None]] = []


@pytest.fixture
def slot() -> Iterator[tuple[Slot, str]]:
    state = Slot()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            state.calls.append((self.command, self.path, self.headers.get("authorization")))
            inferring = self.command == "POST"
            body = json.dumps(state.answer if inferring else DESCRIBED).encode()
            self.send_response(state.status if inferring else state.described)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield state, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_version_that_answers_is_warm_afterwards(slot: tuple[Slot, str]) -> None:
    state, url = slot
    assert ApiSmokeTest(url, "eu-west-1", signed=False)("large", 2).result is Result.ANSWERS
    paths = [path for _, path, _ in state.calls]
    assert paths == ["/v2/models/large/versions/2"] + ["/v2/models/large/versions/2/infer"] * 20


def test_calls_are_signed_where_the_api_asks_for_it(slot: tuple[Slot, str], monkeypatch: pytest.MonkeyPatch) -> None:
    state, url = slot
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    ApiSmokeTest(url, "eu-west-1", signed=True)("large", 2)
    assert all("/eu-west-1/execute-api/" in str(signature) for _, _, signature in state.calls)


@pytest.mark.parametrize(
    ("described", "status", "answer", "result"),
    [
        (404, 200, {}, Result.NOT_YET),
        (503, 200, {}, Result.NOT_YET),
        (200, 503, {}, Result.NOT_YET),
        (200, 500, {"error": "broken"}, Result.FAILS),
        (200, 400, {"error": "rooms: must be at least 1"}, Result.ANSWERS),
        (403, 200, {}, Result.FAILS),
    ],
)
def test_what_an_answer_means(slot: tuple[Slot, str], described: int, status: int, answer: Any, result: Result) -> None:
    state, url = slot
    state.described, state.status, state.answer = described, status, answer
    assert ApiSmokeTest(url, "eu-west-1", signed=False)("large", 2).result is result


def test_where_nothing_answers_it_is_not_there_yet() -> None:
    trial = ApiSmokeTest("http://127.0.0.1:9", "eu-west-1", signed=False)("large", 2)
    assert trial.result is Result.NOT_YET
    assert "127.0.0.1:9" in trial.seen
