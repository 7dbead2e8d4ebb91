"""The context of a request: its telemetry event, its id and its client's connection."""

from starlette.requests import Request
from starlette.types import Scope

from slipway.config.api import CALLER_HEADER
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.serving.prediction.request import RequestContext

_CALLER = CALLER_HEADER.encode()
EVENT = "slipway.event"
"""The scope key under which `ObserveRequests` stores the request's event."""


def event_in(scope: Scope) -> RequestEvent | None:
    """Return the request's event, or None if the request is not observed."""
    event: RequestEvent | None = scope.get(EVENT)
    return event


def event_of(request: Request) -> RequestEvent:
    """Return the event of an observed request."""
    event: RequestEvent = request.scope[EVENT]
    return event


def request_id(scope: Scope) -> str:
    """Return the request id from AWS; empty outside Lambda."""
    return str(getattr(scope.get("aws.context"), "aws_request_id", ""))


def caller_header(scope: Scope) -> str:
    """Return the header that says who calls; empty without one."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == _CALLER), "")


def prediction_context(request: Request) -> RequestContext:
    """Return the context of a prediction request, and have its latency recorded."""
    event = event_of(request)
    event.timed = True

    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    scope = request.scope
    return RequestContext(event, request_id(scope), disconnected, caller_header(scope))
