"""Serves the OpenAPI document and FastAPI's page for it, whose files come from this host alone."""

from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, JSONResponse

from slipway.errors import NotFoundError

# Powertools ships the Swagger UI files, which FastAPI's page would otherwise load from a CDN.
_BRINGER, _FOLDER = "aws-lambda-powertools", "aws_lambda_powertools/event_handler/openapi/swagger_ui"
ASSETS = {"swagger-ui-bundle.min.js": "text/javascript", "swagger-ui.min.css": "text/css"}
_A_DAY = {"cache-control": "max-age=86400"}
_NO_ICON = "data:,"

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json", name="openapi")
async def openapi(request: Request) -> Response:
    """Return the current OpenAPI document."""
    document: Callable[[], dict[str, Any]] = request.app.state.document
    return JSONResponse(document())


@router.get("/docs", name="docs")
async def docs(request: Request) -> HTMLResponse:
    """Return the page that shows the document and sends test requests."""
    script, style = (f"/docs/{name}" for name in ASSETS)
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=request.app.title,
        swagger_js_url=script,
        swagger_css_url=style,
        swagger_favicon_url=_NO_ICON,
    )


@router.get("/docs/{name}", name="docs_asset")
async def asset(name: str) -> Response:
    """Return a file of the page."""
    if name not in ASSETS:
        raise NotFoundError("file of the page", name[:100], ASSETS)
    file = Path(str(distribution(_BRINGER).locate_file(_FOLDER))) / name
    return Response(file.read_bytes(), media_type=ASSETS[name], headers=_A_DAY)
