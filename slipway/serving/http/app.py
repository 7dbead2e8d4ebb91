"""The FastAPI app, made from routes.

FastAPI stands in this module only: importing it takes longer than all else that a cold start needs, so
`slipway.serving.http.front` answers what must be fast before it is imported.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from slipway.serving.http.errors import http_problem, render
from slipway.serving.http.exchange import Answer, Exchange
from slipway.serving.http.oip_errors import render_oip
from slipway.serving.http.routes import Route, Routes

Document = dict[str, Any]
API_VERSION = "1"


def create_app(
    routes: Routes, exchange: Exchange, *, title: str, document: Callable[[], Document] | None = None
) -> FastAPI:
    """An ASGI app that answers ``routes``.

    Args:
        routes: what it answers.
        exchange: runs the endpoints.
        title: the project's name.
        document: makes the OpenAPI document, served at ``/openapi.json``; without it there is none.
    """
    app = FastAPI(
        title=title,
        version=API_VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        exception_handlers={HTTPException: _http_problem},
    )
    for route in routes:
        app.add_api_route(route.path, _endpoint(route, exchange), methods=[route.method], name=route.name)
    if document is not None:
        app.openapi = document  # type: ignore[method-assign]  # FastAPI documents it so
        app.add_api_route("/openapi.json", _served(app), methods=["GET"], name="openapi")
    return app


def _endpoint(route: Route, exchange: Exchange) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        parameters = request.path_params
        answer = await exchange.run(
            route.endpoint, route.style, request.scope, request.receive, parameters, timed=route.timed
        )
        return _response(answer)

    return endpoint


def _served(app: FastAPI) -> Callable[[], Awaitable[Response]]:
    async def openapi() -> Response:
        return JSONResponse(app.openapi())

    return openapi


async def _http_problem(request: Request, error: Exception) -> Response:
    """What the router itself refuses: unknown paths and methods."""
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path
    problem = http_problem(error.status_code)
    response = _response(render_oip(problem) if path.startswith("/v2") else render(problem, path))
    response.headers.update(error.headers or {})
    return response


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = answer.raw_headers()
    return response
