"""Cost: the bill of what is deployed, and how it grows with traffic."""

from fastapi import APIRouter, Request, Response

from slipway.console.context import Here
from slipway.console.navigation import Page
from slipway.console.pages.overview import TEMPLATES_KEPT
from slipway.console.queries.costs import deployed_costs, traffic_chart
from slipway.cost.bill import cents, total

router = APIRouter()
page = Page("Cost", "/cost", router)


@router.get(page.path)
def show(request: Request, console: Here) -> Response:
    """The bill."""
    costs = console.tiles.get("costs", lambda: deployed_costs(console.workspace), kept=TEMPLATES_KEPT)
    chart = traffic_chart(costs.value) if costs.value else None
    return console.page(request, "cost.html", costs=costs, chart=chart, cents=cents, total=total)
