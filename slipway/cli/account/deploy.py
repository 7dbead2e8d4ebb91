"""`slipway deploy`: the preflight, then `cdk deploy`."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from slipway.cli.account.examination import examine, machine
from slipway.cli.account.preflight import Region, print_examination
from slipway.cli.account.synthesis import deploy_context
from slipway.cli.exits import Exit
from slipway.cli.options import ConfigFile
from slipway.cli.project import chosen_environment
from slipway.preflight.results import Status, worst

Approval = Literal["never", "any-change", "broadening"]
BreakGlass = Annotated[
    bool, typer.Option("--break-glass", help="Deploy although an alarm is on: no alarm rolls this deploy back.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, whatever changes.")]
Asks = Annotated[Approval, typer.Option("--approval", help="When `cdk deploy` asks; --yes is `never`.")]
CdkArguments = Annotated[list[str] | None, typer.Argument(help="After --: stacks and options of `cdk deploy`.")]


def deploy(
    cdk: CdkArguments = None,
    *,
    break_glass: BreakGlass = False,
    yes: Yes = False,
    approval: Asks = "broadening",
    region: Region = None,
    config: ConfigFile = Path("slipway.yaml"),
) -> None:
    """Check what would stop a deploy, print what it costs, and deploy with the CDK unless a check fails."""
    console, environment = Console(), chosen_environment()
    found = examine(config, environment, region)
    print_examination(console, found)
    if worst(found.results) is Status.FAILS:
        console.print("[red]Nothing was deployed.[/] Mend what fails above first.")
        raise typer.Exit(Exit.REFUSED)
    context = deploy_context(config, environment)
    if break_glass:
        context["slipway:break-glass"] = "true"
    command = cdk_command(machine().cdk, context, approval="never" if yes else approval, extra=cdk or [])
    variables = {**os.environ, **({"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {})}
    raise typer.Exit(subprocess.run(command, env=variables, check=False).returncode)


def cdk_command(cli: Path, context: dict[str, str], *, approval: Approval, extra: Sequence[str]) -> list[str]:
    """The command line of `cdk deploy`, of all stacks unless ``extra`` begins with one."""
    command = [str(cli), "deploy", "--require-approval", approval]
    for name, value in context.items():
        command += ["--context", f"{name}={value}"]
    if not extra or extra[0].startswith("-"):
        command.append("--all")
    return [*command, *extra]
