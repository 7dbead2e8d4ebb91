"""What bounds a request: the size of its body, and the room that an overloaded process has for it."""

import re

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.errors import OverloadedError, TooLargeError
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.requests import RequestEvent, error_kind
from slipway.serving.batching.executor import Executor
from slipway.serving.http.errors import error_response

_PREDICTS = re.compile(r"/v1/.+/(predict|rank)|/v2/.+/infer|/invocations")
_LENGTH_DIGITS = 19
_REFUSALS_KEPT = 64  # callers choose paths


class LimitBody:
    """ASGI middleware: reading a body of more than ``most`` bytes raises TooLargeError; the rest of it is not read.

    FastAPI's own limit answers in plain text, whatever the handlers of errors say.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, self._limited(scope, receive) if scope["type"] == "http" else receive, send)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        size = 0
        said = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        too_large = said.isdigit() and (len(said) > _LENGTH_DIGITS or int(said) > self._most)

        async def limited() -> Message:
            nonlocal size
            if too_large:
                raise self._error()
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise self._error()
            return message

        return limited

    def _error(self) -> TooLargeError:
        return TooLargeError.of("(body)", f"must have at most {self._most} bytes")


class RefuseOverload:
    """ASGI middleware: answers 503 to predictions while more requests are here than the queue and the graphs hold.

    The requests that it lets through are counted, and not the queue alone: many may come before the first of them has
    been read and queued.

    Args:
        app: answers the rest.
        executor: runs the predictions.
        telemetry: counts the refusals.
    """

    def __init__(self, app: ASGIApp, executor: Executor, telemetry: BufferedTelemetry) -> None:
        self._app = app
        self._executor = executor
        self._telemetry = telemetry
        self._most = executor.plan.queue + executor.plan.sessions * executor.plan.max_batch
        self._here = 0
        self._overloaded = OverloadedError(f"model {executor.name}")
        self._refusals: dict[str, Response] = {}
        # Not timed: answers that cost nothing would make the latency of an overloaded service look good.
        self._refused = RequestEvent(executor.name, error_kind(self._overloaded), timed=False)
        self._refused.count(metrics.REJECTED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not _PREDICTS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        if self._here >= self._most or not self._executor.has_room():
            self._telemetry.note(self._refused)
            await self._refusal(scope["path"])(scope, receive, send)
            return
        self._here += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._here -= 1

    def _refusal(self, path: str) -> Response:
        """The answer, made once for each path."""
        answer = self._refusals.get(path)
        if answer is None:
            answer = error_response(self._overloaded, path)
            if len(self._refusals) < _REFUSALS_KEPT:
                self._refusals[path] = answer
        return answer
