"""Times and counts every request, and answers it even after unexpected errors."""

from starlette.types import ASGIApp, Receive, Scope, Send

from slipway.monitoring.telemetry.requests import Telemetry, error_kind
from slipway.serving.http.context import EVENT
from slipway.serving.http.errors import error_response, log_fault


class ObserveRequests:
    """ASGI middleware that records each request's telemetry, and answers unexpected errors.

    Args:
        app: answers the requests.
        telemetry: records the requests.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._telemetry.request(timed=False) as event:
            scope[EVENT] = event
            try:
                await self._app(scope, receive, send)
            except Exception as error:  # noqa: BLE001 - the edge: the caller gets a 500 without internal details
                event.kind = error_kind(error)
                log_fault(error, scope)
                await error_response(error, scope["path"])(scope, receive, send)
