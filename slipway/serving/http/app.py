"""Creates the FastAPI app of a deployable, with its routers, error handlers and middleware."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from slipway.config.cors import CORS_EXPOSED_HEADERS, CORS_METHODS, CorsConfig
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.http.compression import UnpackBody
from slipway.serving.http.errors import HANDLERS
from slipway.serving.http.limits import LimitBody
from slipway.serving.http.observed import ObserveRequests

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

API_VERSION = "1"
# Below a few packets, compression costs more than it saves.
_COMPRESSED_BYTES = 8192
_COMPRESSION_LEVEL = 5
App = FastAPI
"""The type that `create_app` returns, for modules that do not import FastAPI."""
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _no_lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - ASGI's signature
    yield


@dataclass(frozen=True)
class AppSettings:
    """The settings of an app besides its routes.

    ``state`` holds the objects that routes read from ``request.app.state``, by name. ``outside`` is the outermost
    middleware. ``tracer_provider`` creates OpenTelemetry spans for requests; None creates none.
    """

    title: str
    body_bytes: int
    telemetry: Telemetry
    state: Mapping[str, object]
    outside: Sequence[Middleware] = ()
    lifespan: Lifespan = field(default=_no_lifespan)
    tracer_provider: "TracerProvider | None" = None
    cors: CorsConfig | None = None


def _cors(cors: CorsConfig | None) -> Iterator[Middleware]:
    """Yield what answers preflight requests and names the allowed origin; API Gateway does the same before an app."""
    if cors is not None:
        yield Middleware(
            CORSMiddleware,
            allow_origins=cors.origins,
            allow_methods=CORS_METHODS,
            allow_headers=cors.headers,
            expose_headers=CORS_EXPOSED_HEADERS,
            max_age=cors.max_age_seconds,
        )


def create_app(settings: AppSettings, routers: Sequence[APIRouter]) -> FastAPI:
    """Create an app that serves only ``routers``, without FastAPI's built-in document routes."""
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
            *_cors(settings.cors),
            *settings.outside,
            Middleware(ObserveRequests, telemetry=settings.telemetry),
            Middleware(GZipMiddleware, minimum_size=_COMPRESSED_BYTES, compresslevel=_COMPRESSION_LEVEL),
            Middleware(LimitBody, most=settings.body_bytes),
            Middleware(UnpackBody, most=settings.body_bytes),
        ],
        lifespan=settings.lifespan,
    )
    for router in routers:
        app.include_router(router)
    for name, value in settings.state.items():
        setattr(app.state, name, value)
    return app
