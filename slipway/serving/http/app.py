"""The FastAPI app of a deployable: its routers, its error handlers and its middleware."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.http.errors import HANDLERS
from slipway.serving.http.limits import LimitBody
from slipway.serving.http.observed import ObserveRequests

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

API_VERSION = "1"
App = FastAPI
"""What `create_app` makes, for those who hold one and know nothing more of FastAPI."""
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _no_lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - ASGI's signature
    yield


@dataclass(frozen=True)
class AppSettings:
    """What an app is made of beside its routes.

    ``state`` is what the routes work on, by the names under which they ask ``request.app.state`` for it. ``outside``
    is middleware before everything else. ``tracer_provider`` makes OpenTelemetry's spans of requests; None makes none.
    """

    title: str
    body_bytes: int
    telemetry: Telemetry
    state: Mapping[str, object]
    outside: Sequence[Middleware] = ()
    lifespan: Lifespan = field(default=_no_lifespan)
    tracer_provider: "TracerProvider | None" = None


def create_app(settings: AppSettings, routers: Sequence[APIRouter]) -> FastAPI:
    """An app that answers ``routers``, and nothing of FastAPI's own but by a router."""
    app = FastAPI(
        title=settings.title,
        version=API_VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        telemetry={
            "tracing": settings.tracer_provider is not None,
            "tracer_provider": settings.tracer_provider,
            "operation_spans": False,
            "metrics": False,
            "logs": False,
        },
        exception_handlers=dict(HANDLERS),
        middleware=[
            *settings.outside,
            Middleware(ObserveRequests, telemetry=settings.telemetry),
            Middleware(LimitBody, most=settings.body_bytes),
        ],
        lifespan=settings.lifespan,
    )
    for router in routers:
        app.include_router(router)
    for name, value in settings.state.items():
        setattr(app.state, name, value)
    return app
