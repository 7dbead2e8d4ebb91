"""What the routes know of a request beside its path and body."""

from starlette.requests import Request
from starlette.types import Scope

from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.serving.prediction.request import RequestContext

EVENT = "slipway.event"
"""The key of a scope under which `ObserveRequests` puts the request's event."""


def event_in(scope: Scope) -> RequestEvent | None:
    """What the request did so far, where it is observed."""
    event: RequestEvent | None = scope.get(EVENT)
    return event


def event_of(request: Request) -> RequestEvent:
    """The same, of an app that observes its requests."""
    event: RequestEvent = request.scope[EVENT]
    return event


def request_id(scope: Scope) -> str:
    """The id that AWS gave the request; empty outside Lambda."""
    return str(getattr(scope.get("aws.context"), "aws_request_id", ""))


def prediction_context(request: Request) -> RequestContext:
    """The context of a prediction, whose latency is a metric."""
    event = event_of(request)
    event.timed = True

    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return RequestContext(event, request_id(request.scope), disconnected)
