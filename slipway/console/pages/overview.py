"""Overview: what is deployed, how it does, and what it costs when idle."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from slipway.console.context import Here
from slipway.console.navigation import Page
from slipway.console.queries import overview as queries
from slipway.console.queries.costs import deployed_costs

router = APIRouter()
page = Page("Overview", "/", router)
TEMPLATES_KEPT = timedelta(minutes=10)
"""How long a bill is kept: only a deploy changes it."""


@router.get(page.path)
def overview(request: Request, console: Here) -> Response:
    """The models of the project, its alarms and its bill."""
    workspace, tiles = console.workspace, console.tiles
    observed = tiles.begin("observed", lambda: queries.observed_models(workspace))
    health = tiles.begin("health", lambda: (queries.api_health(workspace),))
    releases = tiles.begin("releases", lambda: queries.current_releases(workspace))
    alarms = tiles.begin("alarms", lambda: queries.project_alarms(workspace))
    costs = tiles.begin("costs", lambda: deployed_costs(workspace), kept=TEMPLATES_KEPT)
    place = tiles.begin("place", lambda: workspace.deployed().place)
    return console.page(
        request,
        "overview.html",
        config=workspace.config(),
        observed=observed.tile(),
        health=health.tile(),
        releases=releases.tile(),
        alarms=alarms.tile(),
        costs=costs.tile(),
        place=place.tile(),
    )
