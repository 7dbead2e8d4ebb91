import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpcore
import httpx
import pytest
from botocore.credentials import Credentials

from local.environment.frontdoor import BODY_BYTES, Gateway, create_app

KEYS = Credentials("AKIALOCAL", "local")


class Echo(BaseHTTPRequestHandler):
    """A stand-in for the emulator that echoes its requests."""

    protocol_version = "HTTP/1.1"
    answer_headers: ClassVar[dict[str, str]] = {"X-From": "emulator", "Keep-Alive": "timeout=5"}

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {"method": self.command, "target": self.path, "headers": dict(self.headers), "body": body.hex()}
        content = json.dumps(told).encode()
        self.send_response(207)
        for name, value in {**self.answer_headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
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
        async with httpcore.AsyncConnectionPool() as pool:
            transport = httpx.ASGITransport(app=create_app(gateway, pool))
            async with httpx.AsyncClient(transport=transport, base_url="http://front") as client:
                return await client.request(method, path, **options)

    return asyncio.run(call())


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
