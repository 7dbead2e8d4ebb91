import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpcore
import httpx
import pytest
import uvloop
from botocore.credentials import Credentials

from local.environment import frontdoor
from local.environment.frontdoor import BODY_BYTES, HEADER_BYTES, Gateway, create_app
from local.environment.lanes import CONCURRENCY, HeavyModels, Lanes, new_pool

KEYS = Credentials("AKIALOCAL", "local")


class Echo(BaseHTTPRequestHandler):
    """A stand-in for the emulator that echoes its requests."""

    protocol_version = "HTTP/1.1"
    hung: ClassVar[threading.Event] = threading.Event()
    answer_headers: ClassVar[dict[str, str]] = {"X-From": "emulator", "Keep-Alive": "timeout=5"}

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "/models/hung/" in self.path:
            self.hung.wait()
        if "/models/failed/" in self.path:
            self.fail()
            return
        told = {"method": self.command, "target": self.path, "headers": dict(self.headers), "body": body.hex()}
        content = json.dumps(told).encode()
        self.send_response(207)
        for name, value in {**self.answer_headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def fail(self) -> None:
        """Answer as the emulator does for a function that failed."""
        content = json.dumps({"errorMessage": "Worker init failed", "stackTrace": ["File x.py"]}).encode()
        self.send_response(502)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    """The address of an echoing server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def ask(gateway: Gateway, method: str, path: str, **options: Any) -> httpx.Response:
    async def call() -> httpx.Response:
        async with client(gateway) as front:
            return await front.request(method, path, **options)

    return asyncio.run(call())


@asynccontextmanager
async def client(gateway: Gateway, heavy: frozenset[str] = frozenset()) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the front door of a gateway."""
    pools: list[httpcore.AsyncConnectionPool] = []

    def create() -> httpcore.AsyncConnectionPool:
        pools.append(new_pool())
        return pools[-1]

    transport = httpx.ASGITransport(app=create_app(gateway, Lanes(heavy, create)))
    async with httpx.AsyncClient(transport=transport, base_url="http://front", timeout=60) as made:
        yield made
    for pool in pools:
        await pool.aclose()


def test_a_request_reaches_the_api_as_it_was_sent(emulator: str) -> None:
    answer = ask(
        Gateway(emulator, "abc123", KEYS),
        "POST",
        "/v2/models/m/infer?a=1&b=%20x",
        content=b"\x00\xff{}",
        headers={"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": "2"},
    )

    told = answer.json()
    assert told["method"] == "POST"
    assert told["target"] == "/_aws/execute-api/abc123/$default/v2/models/m/infer?a=1&b=%20x"
    assert bytes.fromhex(told["body"]) == b"\x00\xff{}"
    assert told["headers"]["inference-header-content-length"] == "2"
    assert told["headers"]["content-type"] == "application/octet-stream"


def test_the_answer_comes_back_as_it_was_given(emulator: str) -> None:
    answer = ask(Gateway(emulator, "abc123", KEYS), "GET", "/v1/models")

    assert answer.status_code == 207
    assert answer.headers["x-from"] == "emulator"
    assert "keep-alive" not in answer.headers


def test_the_signature_takes_the_place_of_the_clients_own(emulator: str) -> None:
    sent = {"Authorization": "Basic dTpw", "X-Amz-Date": "never", "X-Mine": "1"}

    headers = ask(Gateway(emulator, "abc123", KEYS), "GET", "/v1/models", headers=sent).json()["headers"]

    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIALOCAL/")
    assert headers["X-Amz-Date"] != "never"
    assert headers["x-mine"] == "1"
    assert "authorization" not in headers


def test_without_keys_the_clients_own_authorization_passes(emulator: str) -> None:
    answer = ask(Gateway(emulator, "abc123", None), "GET", "/v1/models", headers={"Authorization": "Bearer token"})

    assert answer.json()["headers"]["authorization"] == "Bearer token"


def test_a_body_at_the_limit_passes_and_one_byte_more_does_not(emulator: str) -> None:
    gateway = Gateway(emulator, "abc123", KEYS)

    assert ask(gateway, "POST", "/x", content=b"x" * BODY_BYTES).status_code == 207
    refused = ask(gateway, "POST", "/x", content=b"x" * (BODY_BYTES + 1))

    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == f"(body): must have at most {BODY_BYTES} bytes"


def test_an_emulator_that_is_gone_is_a_503() -> None:
    answer = ask(Gateway("http://127.0.0.1:1", "abc123", KEYS), "GET", "/v1/models")

    assert answer.status_code == 503
    assert answer.json() == {"message": "Service Unavailable"}


def test_a_functions_traceback_is_not_passed_on(emulator: str) -> None:
    answer = ask(Gateway(emulator, "abc123", KEYS), "POST", "/v1/models/failed/predict", json={})

    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})


def test_a_heavy_model_that_hangs_delays_no_other(emulator: str) -> None:
    Echo.hung.clear()

    async def call() -> tuple[int, int]:
        async with client(Gateway(emulator, "abc123", KEYS), frozenset({"hung"})) as front:
            path = "/v1/models/hung/predict"
            waiting = [asyncio.create_task(front.post(path, json={})) for _ in range(CONCURRENCY + 1)]
            light = await front.get("/v1/models")
            done = sum(task.done() for task in waiting)
            Echo.hung.set()
            await asyncio.gather(*waiting)
            return light.status_code, done

    try:
        assert asyncio.run(call()) == (207, 0)
    finally:
        Echo.hung.set()


def test_the_heavy_models_are_those_of_the_last_deploy(tmp_path: Path) -> None:
    state = tmp_path / "local.json"
    state.write_text('{"heavy_models": ["large"]}', encoding="utf-8")
    heavy = HeavyModels(state)
    assert ("large" in heavy, "huge" in heavy, "" in heavy) == (True, False, False)

    state.write_text('{"heavy_models": ["huge"]}', encoding="utf-8")
    os.utime(state, ns=(1, 1))

    assert ("large" in heavy, "huge" in heavy) == (False, True)
    state.unlink()
    assert "huge" in heavy


def test_headers_over_the_limit_are_always_refused_as_such(emulator: str) -> None:
    gateway = Gateway(emulator, "abc123", KEYS)
    for size in (HEADER_BYTES, 2 * HEADER_BYTES, 10 * HEADER_BYTES):
        answer = ask(gateway, "GET", "/v1/models", headers={"X-Large": "x" * size})
        assert (answer.status_code, answer.json()) == (431, {"message": "Request Header Fields Too Large"})


Events = list[dict[str, Any]]


def served(received: Events, *, hangs: bool = False) -> Events:
    """What the front door sends to a client from which this is received."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "headers": [(b"transfer-encoding", b"chunked")],
    }
    sent: Events = []
    events = iter(received)

    async def receive() -> dict[str, Any]:
        event = next(events, None)
        if event is None and hangs:
            await asyncio.Event().wait()
        return event or {"type": "http.disconnect"}

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    async def call() -> None:
        gateway = Gateway("http://127.0.0.1:1", "abc123", KEYS)
        await create_app(gateway, Lanes(frozenset(), new_pool))(scope, receive, send)

    asyncio.run(call())
    return sent


START: Events = [{"type": "http.request", "body": b"{", "more_body": True}]


def test_a_body_that_never_ends_is_answered_and_the_connection_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert frontdoor.IDLE_SECONDS < 5
    monkeypatch.setattr(frontdoor, "IDLE_SECONDS", 0.1)

    start, _ = served(START, hangs=True)

    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]


@pytest.mark.parametrize("create_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_time_in_which_the_machine_stands_still_is_not_the_clients(
    monkeypatch: pytest.MonkeyPatch, create_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """It does so twice, each time for longer than a client may send nothing, and then the client sends."""
    monkeypatch.setattr(frontdoor, "IDLE_SECONDS", 0.8)
    client, server = socket.socketpair()

    async def stand_still() -> None:
        for _ in range(2):
            stop(1.0)
            for _ in range(5):
                await asyncio.sleep(0)  # timers that are due run
        client.sendall(b"{}")

    async def call() -> bytes | None:
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()

        async def stream() -> AsyncIterator[bytes]:
            standing = loop.create_task(stand_still())
            await arrived.wait()
            yield server.recv(10)
            await standing

        loop.add_reader(server, arrived.set)
        return await frontdoor._chunk(stream())

    with client, server, asyncio.Runner(loop_factory=create_loop) as runner:
        assert runner.run(call()) == b"{}"


def stop(seconds: float) -> None:
    """Keep the event loop from running."""
    time.sleep(seconds)


def test_a_client_that_goes_away_is_no_error() -> None:
    assert served(START) == []
