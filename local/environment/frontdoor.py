"""The front door: signs each request and forwards it to the emulator's API Gateway.

`python -m local.environment.frontdoor PORT EMULATOR API_ID STATE SECONDS`, with the caller's AWS keys in the
environment. The deployed template requires IAM authorization; any HTTP client can still call http://127.0.0.1:8080,
because the front door signs for it. Without keys it does not sign, for an API that requires tokens or nothing.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore
import uvicorn
from botocore.credentials import Credentials
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from local.environment.lanes import HeavyModels, Lanes, new_pool
from local.environment.settings import ANSWER_SECONDS, HOST, REGION
from slipway.aws.sigv4 import SIGNATURE_HEADERS, Signer
from slipway.errors import TooLargeError
from slipway.serving.http.errors import error_response

# API Gateway's own limits for an HTTP API.
BODY_BYTES = 10 * 1024 * 1024
HEADER_BYTES = 64 * 1024
# A client that sends nothing for this long in the middle of a body gets an answer, and its connection is closed.
IDLE_SECONDS = 4.0
_LOOKS = 8
# Longer than clients keep idle connections: if the server closed one first, a request might just be on its way.
KEEP_ALIVE_SECONDS = 75

_HOP_BY_HOP = {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect"}
_SIGNATURE = {name.encode() for name in SIGNATURE_HEADERS}

_LOG = logging.getLogger(__name__)

Header = tuple[bytes, bytes]
Asgi = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """The API's address, the keys to sign with, if any, and how long an answer is waited for."""

    emulator: str
    api_id: str
    credentials: Credentials | None
    answer_seconds: float = ANSWER_SECONDS

    @property
    def patience(self) -> float:
        """By how much clients may take longer, too: who waits longer for answers is on a busy machine."""
        return self.answer_seconds / ANSWER_SECONDS

    @property
    def host(self) -> str:
        """The emulator's host and port."""
        return urlsplit(self.emulator).netloc

    def authorize(self, method: str, target: str, body: bytes, headers: Iterable[Header]) -> list[Header]:
        """The headers of a request with Host, and with a signature in place of any that the client sent."""
        host = (b"host", self.host.encode())
        if self.credentials is None:
            return [host, *headers]
        signed = Signer(self.credentials, REGION).headers(method, f"http://{self.host}{target}", body)
        signature = [(name.encode(), value.encode()) for name, value in signed.items()]
        return [host, *signature, *(header for header in headers if header[0] not in _SIGNATURE)]

    def target(self, request: Request) -> str | None:
        """The request's target at the emulator, or None if it contains an invalid byte.

        It contains the client's target unchanged. The path names the API, because MiniStack routes some paths (`/v2`,
        `/health`) to other services before it looks at the host.
        """
        query = request.scope["query_string"]
        raw: bytes = request.scope["raw_path"] + (b"?" + query if query else b"")
        if not raw.isascii() or not raw.startswith(b"/"):
            return None
        return f"/_aws/execute-api/{self.api_id}/$default{raw.decode('ascii')}"

    def url(self, target: str) -> httpcore.URL:
        """The URL that a request is sent to."""
        port = urlsplit(self.emulator).port
        return httpcore.URL(scheme="http", host=HOST, port=port, target=target)


def create_app(gateway: Gateway, lanes: Lanes) -> Asgi:
    """Create the front door of one API, which it reaches through the connections of ``lanes``."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        try:
            response = await _forward(lanes.of(scope["path"]), gateway, request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    return app


async def _forward(pool: httpcore.AsyncConnectionPool, gateway: Gateway, request: Request) -> Response:
    target = gateway.target(request)
    if target is None:
        return _refusal(400, "Bad Request")
    if _head_bytes(request) > HEADER_BYTES:
        return _refusal(431, "Request Header Fields Too Large")
    try:
        async with asyncio.timeout(gateway.answer_seconds):
            body = await _body(request, gateway.patience)
    except TimeoutError:
        return _refusal(408, "Request Timeout", close=True)
    if body is None:
        return error_response(TooLargeError.of("(body)", f"must have at most {BODY_BYTES} bytes"), request.url.path)
    headers = gateway.authorize(request.method, target, body, _headers(request, body))
    timeout = dict.fromkeys(("connect", "read", "write", "pool"), gateway.answer_seconds)
    try:
        answer = await pool.request(
            request.method, gateway.url(target), headers=headers, content=body, extensions={"timeout": timeout}
        )
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        _LOG.error("%s %s was not answered: %r", request.method, request.url.path, error)
        return _refusal(503, "Service Unavailable")
    return _passed_on(answer)


def _passed_on(answer: httpcore.Response) -> Response:
    """The emulator's answer, except what API Gateway does not pass on."""
    if answer.status == 502 and _is_of_a_failed_function(answer.content):
        return _refusal(500, "Internal Server Error")
    response = Response(answer.content, answer.status)
    response.raw_headers = [(name.lower(), value) for name, value in _end_to_end(answer.headers)]
    return response


async def _body(request: Request, patience: float) -> bytes | None:
    """The body, or None if it is too large; it is always read to the end, or the client would miss the response.

    Raises:
        TimeoutError: the client sent nothing for too long.
        ClientDisconnect: the client went away.
    """
    chunks: list[bytes] = []
    size = 0
    stream = request.stream()
    while (chunk := await _chunk(stream, patience)) is not None:
        size += len(chunk)
        if size <= BODY_BYTES:
            chunks.append(chunk)
    return b"".join(chunks) if size <= BODY_BYTES else None


async def _chunk(stream: AsyncIterator[bytes], patience: float = 1.0) -> bytes | None:
    """The next chunk, or None at the end; raises TimeoutError if the client sends nothing for too long."""
    waiting = asyncio.ensure_future(anext(stream, None))
    # On a busy machine neither process may be run for seconds, and then the clock is looked at before what has arrived.
    # Such a pause counts as one look of several, so that the client has most of its time still.
    try:
        for _ in range(_LOOKS):
            if (await asyncio.wait({waiting}, timeout=patience * IDLE_SECONDS / _LOOKS))[0]:
                return waiting.result()
    finally:
        waiting.cancel()
    raise TimeoutError


def _headers(request: Request, body: bytes) -> list[Header]:
    """The client's headers except those of its own connection."""
    sent = [header for header in _end_to_end(request.headers.raw) if header[0] not in (b"host", b"content-length")]
    if body or request.method in ("POST", "PUT", "PATCH"):
        sent.append((b"content-length", str(len(body)).encode()))
    return sent


def _end_to_end(headers: Iterable[Header]) -> list[Header]:
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]


def _is_of_a_failed_function(content: bytes) -> bool:
    """Whether a body is a function's error with its traceback, which API Gateway logs and does not pass on."""
    try:
        found = json.loads(content)
    except ValueError:
        return False
    return isinstance(found, dict) and "errorMessage" in found


def _head_bytes(request: Request) -> int:
    """The size of the request line's target and the headers, as sent."""
    lines = sum(len(name) + len(value) + len(b": \r\n") for name, value in request.headers.raw)
    return lines + len(request.scope["raw_path"]) + len(request.scope["query_string"])


def _refusal(status: int, message: str, *, close: bool = False) -> Response:
    return JSONResponse({"message": message}, status, headers={"Connection": "close"} if close else None)


def main(port: int, emulator: str, api_id: str, state: Path, answer_seconds: float) -> None:
    """Serve until the process is stopped."""
    key = os.environ.get("AWS_ACCESS_KEY_ID")
    credentials = Credentials(key, os.environ["AWS_SECRET_ACCESS_KEY"]) if key else None
    gateway = Gateway(emulator, api_id, credentials, answer_seconds)
    uvicorn.run(
        create_app(gateway, Lanes(HeavyModels(state), new_pool)),
        host=HOST,
        port=port,
        lifespan="off",
        ws="none",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]), float(sys.argv[5]))
