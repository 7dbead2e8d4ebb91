"""The tables of docs/scale.md are what the plan says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.scale.limits import load_limits
from slipway.scale.plan import Plan, make_plan, total_of
from slipway.scale.workload import Tier, Workload

RATES = (10, 1_000, 100_000)
DOCUMENT = Path(__file__).parents[3] / "docs" / "scale.md"


def rows(tier: Tier) -> Iterator[str]:
    for rps in RATES:
        plan = make_plan(Workload(rps=rps, tier=tier), load_limits())
        yield row(plan)


def row(plan: Plan) -> str:
    step, day = plan.scenarios["step"], plan.scenarios["day"]
    first = "nothing" if plan.first is None else f"{plan.first.component}: {plan.first.what}"
    asks = "; ".join(f"{each.quota.partition(': ')[2]} {each.ask:,.0f}" for each in plan.asks) or "none"
    then = f"{step.then.lost:.2%}" + (f" until second {step.then.until:.0f}" if step.then.lost else "")
    lost = f"{step.now.lost:.2%}, {day.now.lost:.2%}"
    total = f"${total_of(plan.lines):,.0f}"
    return f"| {plan.work.rps:,} | {first} | {lost} | {asks} | {then}, {day.then.lost:.2%} | {total} |"


@pytest.mark.parametrize("tier", ["light", "heavy"])
def test_the_answers_are_current(tier: Tier) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    for line in rows(tier):
        assert line in document, line
