"""Print a plan: what breaks first, what to ask for, what to change, and what it costs."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape

from slipway.cli.tables import plain_table
from slipway.scale.checks import Check
from slipway.scale.plan import Carried, Plan, Scenario, total_of
from slipway.scale.traffic import Shape

_TITLES: dict[Shape, str] = {
    "step": "All requests at once, after a minute with a hundredth of them",
    "day": "A day that begins with a tenth of them",
}
_NONE_LOST = 5e-7


def print_plan(console: Console, plan: Plan) -> None:
    """Print a plan for people."""
    work = plan.work
    shared = "" if work.models == 1 else f", {work.models:,} models"
    console.print(f"[bold]{work.rps:,g} requests/s[/] to the {work.tier} tier{shared}")
    first = plan.first
    if first is None:
        console.print("Nothing breaks: every limit is high enough.")
    else:
        holds = "" if first.is_ramp else f"; it holds up to {_figure(work.rps / first.ratio)} requests/s"
        console.print(f"First: [bold]{first.component}[/], {escape(first.what)}{holds}.")
    for shape, scenario in plan.scenarios.items():
        _print_scenario(console, _TITLES[shape], scenario)
    _print_asks(console, plan)
    if plan.changes:
        console.print("\n[bold]What to change[/]")
    for change in plan.changes:
        console.print(f"  {change.component}: {escape(change.text)}", highlight=False)
    _print_bill(console, plan)
    console.print(
        f"\nQuotas are AWS's defaults as of {plan.limits.as_of}, from slipway/scale/limits.yaml; yours may differ.",
        style="dim",
        highlight=False,
    )


def _print_scenario(console: Console, title: str, scenario: Scenario) -> None:
    console.print(f"\n[bold]{title}[/]")
    for name, carried in (("as it is", scenario.now), ("with the quotas below", scenario.then)):
        console.print(f"  {name}: {_outcome(carried, scenario.traffic.shape)}", highlight=False)
    if not scenario.exceeded:
        return
    table = plain_table("too low", "what", "needed", "there", "after", "affects")
    for check in scenario.exceeded:
        table.add_row(*_row(check))
    console.print(table)


def _row(check: Check) -> Iterator[str]:
    yield check.component
    yield escape(check.what)
    yield f"{_figure(check.needed)} {check.unit}"
    yield _figure(check.allowed)
    yield _duration(check.at or 0.0)
    yield check.effect


def _outcome(carried: Carried, shape: Shape) -> str:
    if carried.lost < _NONE_LOST:
        return "no request is lost"
    lost = f"{carried.lost:.2%} of requests are lost"
    if shape == "day":
        return lost
    until = "and it does not end" if carried.until is None else f"until second {carried.until:,.0f}"
    return f"{lost}, {until}"


def _print_asks(console: Console, plan: Plan) -> None:
    if not plan.asks:
        return
    console.print("\n[bold]Quotas to ask for[/]")
    table = plain_table("quota", "default", "ask for", "")
    for ask in plan.asks:
        table.add_row(ask.quota, _figure(ask.now), _figure(ask.ask), ask.unit)
    console.print(table)


def _print_bill(console: Console, plan: Plan) -> None:
    console.print(
        f"\n[bold]What it costs[/]: a month of such days, {plan.mean_rps:,.0f} requests/s on average, {plan.region}"
    )
    table = plain_table("", "quantity", "", "$")
    for line in plan.lines:
        table.add_row(line.item, f"{line.quantity:,.1f} {line.unit}", escape(line.how), f"{line.amount:,.2f}")
    table.add_row("in all", "", "", f"{total_of(plan.lines):,.2f}")
    console.print(table)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:,.3g}"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "at once"
    if seconds < 3600:
        return f"{seconds:,.0f} s"
    return f"{seconds / 3600:.1f} h"


def as_document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "rps": plan.work.rps,
        "tier": plan.work.tier,
        "models": plan.work.models,
        "region": plan.region,
        "as_of": plan.limits.as_of.isoformat(),
        "first": None if plan.first is None else _check(plan.first),
        "scenarios": {shape: _scenario(each) for shape, each in plan.scenarios.items()},
        "quotas": [
            {"limit": each.limit, "quota": each.quota, "unit": each.unit, "default": each.now, "ask": each.ask}
            for each in plan.asks
        ],
        "changes": [{"component": each.component, "text": each.text} for each in plan.changes],
        "mean_rps": plan.mean_rps,
        "lines": [
            {"item": each.item, "quantity": float(each.quantity), "unit": each.unit, "amount": float(each.amount)}
            for each in plan.lines
        ],
        "total": round(total_of(plan.lines), 2),
        "load_balancer_in_front": round(plan.in_front, 2),
        "assumptions": dict(plan.limits.assumed),
    }


def _scenario(scenario: Scenario) -> dict[str, Any]:
    return {
        "now": {"lost": scenario.now.lost, "until": scenario.now.until},
        "with_quotas": {"lost": scenario.then.lost, "until": scenario.then.until},
        "checks": [_check(each) for each in scenario.checks],
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "component": check.component,
        "what": check.what,
        "needed": check.needed,
        "allowed": check.allowed,
        "unit": check.unit,
        "limit": check.limit,
        "affects": check.effect,
        "after_seconds": check.at,
        "until_seconds": check.until,
        "lost": check.lost,
    }
