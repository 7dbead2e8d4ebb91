"""Puts the console together: its pages, its guard, its scripts and its error pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from slipway.console.context import Console
from slipway.console.pages import PAGES
from slipway.console.rendering import SCRIPTS, Renderer
from slipway.console.security import Guard
from slipway.console.settings import ConsoleSettings
from slipway.console.tiles import TileCache
from slipway.console.workspace import Workspace
from slipway.errors import ConfigError, ConflictError, InputError, NotFoundError, SlipwayError, UnavailableError

_STATIC = Path(__file__).with_name("static")
_KEPT_BY_BROWSERS = {"Cache-Control": "max-age=3600"}
_STATUSES: dict[type[SlipwayError], int] = {
    NotFoundError: 404,
    InputError: 422,
    ConflictError: 409,
    UnavailableError: 503,
    ConfigError: 500,
}


def create_app(settings: ConsoleSettings, workspace: Workspace) -> FastAPI:
    """A console of ``workspace``."""
    tiles = TileCache()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        tiles.close()

    # Without the pages of its API, which load scripts from another host.
    app = FastAPI(title="Slipway console", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.console = Console(settings, workspace, tiles, Renderer(settings, PAGES))
    app.add_middleware(Guard, settings=settings)
    for page in PAGES:
        app.include_router(page.router)
    app.mount("/static", StaticFiles(directory=_STATIC))
    app.get("/scripts/{name}")(_script)
    app.exception_handler(SlipwayError)(_refused)
    app.exception_handler(HTTPException)(_not_served)
    app.exception_handler(RequestValidationError)(_malformed)
    return app


def _script(request: Request, name: str) -> Response:
    """One of the scripts of node_modules; the name only chooses among them."""
    console: Console = request.app.state.console
    path = console.settings.node_modules / SCRIPTS.get(name, "")
    if name not in SCRIPTS or not path.is_file():
        raise NotFoundError("script", name, SCRIPTS)
    return FileResponse(path, media_type="text/javascript", headers=_KEPT_BY_BROWSERS)


def _refused(request: Request, error: Exception) -> HTMLResponse:
    status = next((code for kind, code in _STATUSES.items() if isinstance(error, kind)), 500)
    return _error_page(request, status, str(error))


def _not_served(request: Request, error: Exception) -> HTMLResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _error_page(request, status, f"There is no page at {request.url.path}." if status == 404 else str(error))


def _malformed(request: Request, error: Exception) -> HTMLResponse:
    found: list[dict[str, Any]] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    lines = "\n".join(f"{each['loc'][-1]}: {each['msg']}" for each in found)
    return _error_page(request, 422, lines)


def _error_page(request: Request, status: int, message: str) -> HTMLResponse:
    console: Console = request.app.state.console
    return console.page(
        request, "error.html", status=status, message=message, code=status, of=request.path_params.get("model")
    )
