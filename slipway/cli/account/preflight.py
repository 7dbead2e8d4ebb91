"""`slipway preflight`: what would stop a deploy, and what it costs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from slipway.cli.account.bill_report import bill_as_json, print_bill, print_changes
from slipway.cli.account.examination import Examination, examine
from slipway.cli.exits import Exit
from slipway.cli.options import AsJson, ConfigFile
from slipway.cli.project import chosen_environment
from slipway.cost.bill import difference, total
from slipway.preflight.results import Status, worst

Region = Annotated[
    str | None,
    typer.Option(
        "--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="The region. Default: that of the AWS profile."
    ),
]
EXITS = {
    Status.FINE: Exit.DONE,
    Status.WARNING: Exit.DONE,
    Status.UNKNOWN: Exit.UNAVAILABLE,
    Status.FAILS: Exit.REFUSED,
}
_SHOWN = {
    Status.FINE: "[green]ok[/]     ",
    Status.WARNING: "[yellow]warning[/]",
    Status.UNKNOWN: "[yellow]unknown[/]",
    Status.FAILS: "[red]fails[/]  ",
}


def preflight(*, region: Region = None, config: ConfigFile = Path("slipway.yaml"), as_json: AsJson = False) -> None:
    """Check what would stop a deploy, and print its cost; exit with 1 if it would fail, 4 if a check cannot tell."""
    found = examine(config, chosen_environment(), region)
    if as_json:
        typer.echo(json.dumps(_as_json(found)))
    else:
        print_examination(Console(), found)
    if code := EXITS[worst(found.results)]:
        raise typer.Exit(code)


def print_examination(console: Console, found: Examination) -> None:
    """Print the bill, then the checks."""
    if found.bill is not None and found.prices is not None:
        print_bill(console, found.bill, found.prices)
        if found.deployed is not None:
            changes = difference(found.deployed, found.bill)
            print_changes(console, changes, before=total(found.deployed.idle), after=total(found.bill.idle))
    for result in found.results:
        line = f"{_SHOWN[result.status]} [bold]{result.check}[/]: {escape(result.found)}"
        console.print(line, highlight=False, soft_wrap=True)
        for title, text in (("what happens", result.consequence), ("mend it", result.mend)):
            if text:
                console.print(f"        {title}: {escape(text)}", highlight=False, soft_wrap=True)


def _as_json(found: Examination) -> dict[str, object]:
    checks = [{**asdict(result), "status": result.status.name.lower()} for result in found.results]
    bill = None
    if found.bill is not None and found.prices is not None:
        bill = bill_as_json(found.bill, found.prices, found.deployed)
    return {"worst": worst(found.results).name.lower(), "checks": checks, "bill": bill}
