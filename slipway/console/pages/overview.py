"""Overview: what is deployed, how it does, and what it costs when idle."""

from fastapi import APIRouter, Request, Response

from slipway.console.context import Here
from slipway.console.navigation import Page

router = APIRouter()
page = Page("Overview", "/", router)


@router.get(page.path)
def overview(request: Request, console: Here) -> Response:
    """The models of the project."""
    return console.page(request, "overview.html", models=list(console.workspace.config().models))
