"""Features: the groups with their definitions, and one entity's values with how fresh they are."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from slipway.console.context import Here
from slipway.console.navigation import Page
from slipway.console.queries import features as queries

router = APIRouter()
page = Page("Features", "/features", router)


@router.get(page.path)
def features(
    request: Request,
    console: Here,
    entity: Annotated[str, Query(max_length=100)] = "",
    id: Annotated[str, Query(max_length=256)] = "",
) -> Response:
    """The groups of slipway.yaml, and the values that are looked up."""
    workspace, identifier = console.workspace, id.strip()
    groups = workspace.config().features
    found = None
    if entity and identifier:
        key = ("features", entity, identifier)
        found = console.tiles.get(key, lambda: queries.values_of(workspace, entity, identifier))
    entities = list(dict.fromkeys(group.entity for group in groups.values()))
    return console.page(
        request, "features.html", groups=groups, entities=entities, entity=entity, id=identifier, found=found
    )
