"""Refuses requests under overload before they cost anything."""

import re

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from slipway.errors import OverloadedError
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.requests import RequestEvent, error_kind
from slipway.serving.batching.executor import Executor
from slipway.serving.http.errors import error_response

_PREDICTS = re.compile(r"/v1/.+/(predict|rank)|/v2/.+/infer|/invocations")
_REFUSALS_KEPT = 64  # bounded, because callers choose the paths


class RefuseOverload:
    """ASGI middleware that answers 503 to predictions while the queue and the graphs are full.

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
        self._telemetry = telemetry
        self._most = executor.plan.queue + executor.plan.sessions * executor.plan.max_batch
        self._here = 0
        self._overloaded = OverloadedError(f"model {executor.name}")
        self._refusals: dict[str, Response] = {}
        # Not timed: cheap refusals would make an overloaded service's latency look good.
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
        """Return the refusal for a path; each path's is built once."""
        answer = self._refusals.get(path)
        if answer is None:
            answer = error_response(self._overloaded, path)
            if len(self._refusals) < _REFUSALS_KEPT:
                self._refusals[path] = answer
        return answer
