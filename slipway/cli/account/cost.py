"""`slipway cost`: what a deploy costs, without an account."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.account.bill_report import bill_as_json, print_bill, print_changes
from slipway.cli.account.synthesis import deployed_templates, synthesize
from slipway.cli.options import AsJson, ConfigFile
from slipway.cli.project import chosen_environment
from slipway.config import load_config
from slipway.cost.bill import difference, total
from slipway.cost.estimate import estimate
from slipway.cost.prices import load_prices

Region = Annotated[
    str, typer.Option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="The region whose prices count.")
]
Compare = Annotated[bool, typer.Option("--compare", help="Compare with the deployed stacks, which needs credentials.")]


def cost(
    *,
    region: Region = "us-east-1",
    compare: Compare = False,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Print what a deploy costs: a month when idle, once for each deploy, and for a million requests."""
    prices, environment = load_prices(region), chosen_environment()
    project = load_config(config, environment).project
    bill = estimate(synthesize(config, environment), prices)
    deployed = estimate(deployed_templates(project, {"region_name": region}), prices) if compare else None
    if as_json:
        typer.echo(json.dumps(bill_as_json(bill, prices, deployed)))
        return
    console = Console()
    print_bill(console, bill, prices)
    if deployed is not None:
        changes = difference(deployed, bill)
        print_changes(console, changes, before=total(deployed.idle), after=total(bill.idle))
