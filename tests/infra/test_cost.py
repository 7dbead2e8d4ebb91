"""The bill of what is really synthesized: nothing is left out, and docs/infrastructure.md says the same figures."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aws_cdk as cdk
import pytest
from support.documents import DOCS
from support.heavy.templates import heavy_model

from infra.application import add_stacks
from slipway.cost.bill import Bill, cents, total
from slipway.cost.estimate import estimate
from slipway.cost.prices import load_prices

ROOT = Path(__file__).parents[2]
PRICES = load_prices("us-east-1")


def bill_of(synthesized: Any) -> Bill:
    stacks = {name: getattr(synthesized, name) for name in ("state", "serving", "shadow", "releases", "heavy", "batch")}
    return estimate({name: template for name, template in stacks.items() if template}, PRICES)


@pytest.mark.parametrize("variant", ["templates", "heavy", "capturing", "gpu"])
def test_every_type_of_every_template_is_priced_or_known_to_be_free(
    variant: str, request: pytest.FixtureRequest
) -> None:
    assert bill_of(request.getfixturevalue(variant)).unpriced == {}


def test_of_batch_jobs_only_those_by_the_clock_have_no_price(batching: Any) -> None:
    bill = bill_of(batching)
    assert bill.unpriced == {"AWS::Events::Rule": 1}  # what such a job costs depends on its input
    assert "AWS::StepFunctions::StateMachine" in bill.by_use


def test_nat_gateways_are_priced(synthesize: Callable[..., Any]) -> None:
    bill = bill_of(synthesize(models=heavy_model(), rest="network: { nat_gateways: 2 }"))
    items = {line.item: line.count for line in bill.idle}
    assert not bill.unpriced
    assert (items["NAT gateways"], items["Public addresses"]) == (2, 2)
    assert "VPC endpoints, by zone" not in items


def test_light_models_alone_have_no_cost_by_the_hour(templates: Any) -> None:
    items = {line.item for line in bill_of(templates).idle}
    parts = ("calls", "duration", "logs", "reads")
    scheduled = {f"Scheduled {name}: {part}" for name in ("controller", "predict") for part in parts}
    assert items == {"Alarms", "Dashboards", "SnapStart snapshots", *scheduled}


def test_both_slots_of_a_heavy_model_are_priced(heavy: Any) -> None:
    found = [line.item for line in bill_of(heavy).idle if line.item.startswith("Service ")]
    slots = ("TinyLargeModelBlue", "TinyLargeModelGreen")
    assert found == [f"Service {slot}: {part}" for slot in slots for part in ("vCPU", "memory")]


LIGHT = {"snap_start: false": "snap_start: true", "all-at-once": "canary-10-percent-5-minutes"}


def shipped(environment: str | None, folder: Path, changes: Mapping[str, str] = MappingProxyType({})) -> Bill:
    """The bill of the shipped project, with some changes of its slipway.yaml."""
    text = (ROOT / "slipway.yaml").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    for name in ("models", "recipes"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "slipway.yaml").write_text(text, encoding="utf-8")
    app = cdk.App(outdir=str(folder / "cdk.out"), builtin_cloud_formation_validation=False)
    add_stacks(app, config_file=folder / "slipway.yaml", target="host", environment=environment)
    assembly = app.synth()
    return estimate({stack.stack_name: stack.template for stack in assembly.stacks}, PRICES)


def documented(title: str) -> dict[str, str]:
    """The rows of the table below a heading, as ``slipway cost`` names them, and the dollars in the last column."""
    text = (DOCS / "infrastructure.md").read_text(encoding="utf-8")
    (part,) = [part for part in re.split(r"^#+ ", text, flags=re.MULTILINE) if part.startswith(f"{title}\n")]
    return dict(re.findall(r"^\| ([^|]+?) \|.*\| \**\$([0-9.]+)\** \|$", part, flags=re.MULTILINE))


@pytest.mark.parametrize(
    ("environment", "changes", "title"),
    [
        (None, {}, "The shipped project, idle"),
        (None, LIGHT, "With SnapStart and canaries, idle"),
        ("local", {}, "With the heavy model that the environment `local` has, idle"),
    ],
)
def test_the_document_says_what_the_command_says(
    environment: str | None, changes: dict[str, str], title: str, tmp_path: Path
) -> None:
    bill = shipped(environment, tmp_path, changes)
    idle = {line.item: str(cents(line.amount)) for line in bill.idle}
    assert documented(title) == {**idle, "in all": str(cents(total(bill.idle)))}
    assert not bill.unpriced
    assert not bill.deploy


def test_the_shipped_project_costs_cents_when_idle_and_nothing_by_the_hour(tmp_path: Path) -> None:
    bill = shipped(None, tmp_path)
    assert total(bill.idle) < Decimal("0.50")
    assert not [line.item for line in bill.idle if line.unit == "hours" or "SnapStart" in line.item]


def test_the_document_says_what_a_million_requests_cost(tmp_path: Path) -> None:
    bill = shipped("local", tmp_path)
    for tier in ("light", "heavy"):
        lines = {line.item: str(cents(line.amount)) for line in bill.requests[tier]}
        all_ = str(cents(total(bill.requests[tier])))
        assert documented(f"A million requests to a {tier} model") == {**lines, "in all": all_}
