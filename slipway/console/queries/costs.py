"""What the deployed stacks cost by traffic, and where a heavy model's tasks become cheaper than functions."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from slipway.cli.account.synthesis import deployed_templates
from slipway.console.charts import Chart
from slipway.console.workspace import Workspace
from slipway.cost.bill import Bill, total
from slipway.cost.estimate import estimate
from slipway.cost.prices import Prices, load_prices
from slipway.cost.requests import HEAVY, LIGHT
from slipway.errors import NotFoundError

_MILLION = 10**6
_POINTS = 41
_FEWEST, _MOST = 1e4, 1e9


@dataclass(frozen=True, slots=True)
class Costs:
    """The bill of what is deployed, by the prices of its region, and that of its heavy stack alone."""

    bill: Bill
    heavy: Bill
    prices: Prices

    @property
    def idle(self) -> Decimal:
        """USD a month when nobody calls."""
        return total(self.bill.idle)

    @property
    def heavy_idle(self) -> Decimal:
        """The part of it that the heavy tier takes by standing there."""
        return total(self.heavy.idle)

    def a_million(self, tier: str) -> Decimal | None:
        """USD for a million requests to a tier, beside what stands there; None if the tier is not deployed."""
        lines = self.bill.requests.get(tier)
        return None if lines is None else total(lines)

    def month(self, tier: str, requests: float) -> float | None:
        """USD a month for so many requests to one tier; the light tier's have no heavy tier beside them."""
        each = self.a_million(tier)
        if each is None:
            return None
        standing = self.idle if tier == HEAVY else self.idle - self.heavy_idle
        return float(standing) + float(each) * requests / _MILLION

    @property
    def crossing(self) -> float | None:
        """The requests a month from which the heavy tier is cheaper; None if it never is, or is not deployed."""
        light, heavy = self.a_million(LIGHT), self.a_million(HEAVY)
        if light is None or heavy is None or light <= heavy:
            return None
        return float(self.heavy_idle / (light - heavy)) * _MILLION


def deployed_costs(workspace: Workspace) -> Costs:
    """What the deployed stacks cost, as `slipway cost --compare` computes it; raises NotFoundError without any."""
    project = workspace.config().project
    prices = _prices(workspace.region())
    templates = deployed_templates(project, client=workspace.client("cloudformation"))
    if not templates:
        raise NotFoundError("deployed stack of project", project)
    heavy = {name: template for name, template in templates.items() if name == f"{project}-heavy"}
    return Costs(estimate(templates, prices), estimate(heavy, prices), prices)


@cache
def _prices(region: str) -> Prices:
    """The prices of a region, which come with Slipway and so do not change while it runs."""
    return load_prices(region)


def traffic_chart(costs: Costs) -> Chart:
    """Dollars a month over requests a month, for each tier that is deployed, on scales by powers of ten."""
    points = list(_points(costs))
    x = {"field": "requests", "type": "quantitative", "title": "requests a month", "scale": {"type": "log"}}
    y = {"field": "dollars", "type": "quantitative", "title": "USD a month", "scale": {"type": "log"}}
    colour = {"field": "tier", "type": "nominal", "title": None}
    axes = {
        "x": {**x, "axis": {"format": "~s", "tickCount": 6}},
        "y": {**y, "axis": {"format": "$,.2~f", "tickCount": 5}},
    }
    curves: dict[str, Any] = {
        "data": {"values": points},
        "mark": {"type": "line", "tooltip": False},
        "encoding": {**axes, "color": colour, "strokeDash": colour},
    }
    layers = [curves]
    if costs.crossing is not None and _FEWEST <= costs.crossing <= _MOST:
        at = {"data": {"values": [{"requests": costs.crossing}]}}
        layers.append({**at, "mark": {"type": "rule", "strokeDash": [2, 3]}, "encoding": {"x": axes["x"]}})
    rows = tuple((f"{p['requests']:,.0f}", p["tier"], f"{p['dollars']:,.2f}") for p in points[::10])
    return Chart("Cost by traffic", {"layer": layers}, ("#requests a month", "tier", "#USD a month"), rows, height=260)


def _points(costs: Costs) -> Iterator[dict[str, Any]]:
    for tier in (LIGHT, HEAVY):
        for number in range(_POINTS):
            requests = _FEWEST * (_MOST / _FEWEST) ** (number / (_POINTS - 1))
            dollars = costs.month(tier, requests)
            if dollars is not None:
                yield {"requests": requests, "tier": tier, "dollars": max(dollars, 0.01)}
