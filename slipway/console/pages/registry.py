"""Registry: where versions come from, how they were checked, and how two of them differ."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from slipway.console.context import Here
from slipway.console.navigation import Page
from slipway.console.queries import lineage as queries

router = APIRouter()
page = Page("Registry", "/registry", router)
Number = Annotated[int | None, Query(ge=1)]


@router.get(page.path)
def show(request: Request, console: Here) -> Response:
    """The lineage of all versions."""
    versions = console.tiles.get("versions", lambda: queries.all_versions(console.workspace))
    return console.page(request, "registry.html", versions=versions, picture=versions.map(queries.lineage).value)


@router.get(f"{page.path}/{{model}}")
def of_model(request: Request, console: Here, model: str, a: Number = None, b: Number = None) -> Response:
    """The versions of one model, and the difference of two."""
    workspace, tiles = console.workspace, console.tiles
    workspace.model(model)
    versions = tiles.begin("versions", lambda: queries.all_versions(workspace))
    compared = None
    if a is not None and b is not None:
        compared = tiles.get(("difference", model, a, b), lambda: queries.difference(workspace, model, a, b))
    found = versions.tile().map(lambda each: [version for version in each if version.model == model])
    last = [None, None, *(version.number for version in found.value or ())][-2:]
    before, after = (a, b) if compared else last
    return console.page(
        request, "registry_model.html", of=model, versions=found, compared=compared, before=before, after=after
    )
