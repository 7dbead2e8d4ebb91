"""Refuses requests under overload before they cost anything."""

import re
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from slipway.errors import OverloadedError
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.requests import RequestEvent, error_kind
from slipway.serving.batching.executor import Executor, QueueError
from slipway.serving.batching.shares import Room, Shares
from slipway.serving.http.context import caller_header
from slipway.serving.http.errors import error_response
from slipway.serving.prediction.callers import caller_of

_PREDICTS = re.compile(r"/v1/.+/(predict|rank)|/v2/.+/infer|/invocations")
_REFUSALS_KEPT = 64  # bounded, because callers choose the paths


class RefuseOverload:
    """ASGI middleware that refuses predictions while the queue and the graphs are full, or full of the caller's own.

    It counts the requests that it admits instead of relying on the queue alone, because many requests can arrive
    before the first of them is read and queued.

    Args:
        app: answers the admitted requests.
        executor: runs the predictions.
        telemetry: counts the refusals.
    """

    def __init__(self, app: ASGIApp, executor: Executor, telemetry: BufferedTelemetry) -> None:
        self._app = app
        self._executor = executor
        self._here = Shares(executor.plan.queue + executor.plan.sessions * executor.plan.max_batch)
        self._refusals: Mapping[Room, _Refusal] = {
            room: _Refusal(executor.name, executor.refusal(room), telemetry) for room in (Room.FULL, Room.OVER_SHARE)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not _PREDICTS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        caller = caller_of(caller_header(scope))
        for room in (self._here.room(caller), self._executor.room(caller)):
            if not room.is_given:
                await self._refusals[room].answer(scope["path"])(scope, receive, send)
                return
        self._here.add(caller)
        try:
            await self._app(scope, receive, send)
        finally:
            self._here.remove(caller)


class _Refusal:
    """The answers to requests that are refused for one reason."""

    def __init__(self, model: str, error: QueueError, telemetry: BufferedTelemetry) -> None:
        self._error = error
        self._telemetry = telemetry
        self._answers: dict[str, Response] = {}
        # Not timed: cheap refusals would make an overloaded service's latency look good.
        self._event = RequestEvent(model, error_kind(error), timed=False)
        if isinstance(error, OverloadedError):
            self._event.count(metrics.REJECTED)

    def answer(self, path: str) -> Response:
        """Count a refusal, and return its answer; each path's is built once."""
        self._telemetry.note(self._event)
        answer = self._answers.get(path)
        if answer is None:
            answer = error_response(self._error, path)
            if len(self._answers) < _REFUSALS_KEPT:
                self._answers[path] = answer
        return answer
