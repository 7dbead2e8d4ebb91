"""`slipway status`: the status of both tiers."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from slipway.cli.api import Api, ApiError, connect
from slipway.cli.deployed import find_deployed
from slipway.cli.options import AsJson, ConfigFile, Token, Url, print_json
from slipway.cli.project import load_project
from slipway.cli.status.report import print_status
from slipway.wording import counted

Minutes = Annotated[int, typer.Option(min=1, max=1440, help="Minutes of traffic to show.")]
READY = "ready"


def status(
    *,
    minutes: Minutes = 15,
    api: Url = None,
    token: Token = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Show what is deployed, whether it is healthy, and its recent traffic."""
    from slipway.cli.status.overview import Observer  # boto3 takes a quarter of a second to import

    project = load_project(config).project
    deployed = find_deployed(project)
    with connect(api, token, config=config) as client:
        models = client.get("/v1/models")["models"]
        health = _health(client)
    observed = Observer(project, deployed, now=datetime.now(UTC), minutes=minutes).observe(models)
    if as_json:
        found = {"project": project, "place": deployed.place, "api": health, "minutes": minutes}
        print_json({**found, "models": [asdict(model) for model in observed]})
    else:
        console = Console()
        console.print(f"[bold]{project}[/] in {deployed.place}; its API is {health}. The last {_span(minutes)}:")
        print_status(console, observed)


def _span(minutes: int) -> str:
    return "minute" if minutes == 1 else counted(minutes, "minute")


def _health(client: Api) -> str:
    """`ready`, or why the API is not ready."""
    try:
        client.get("/v2/health/ready")
    except ApiError as error:
        reason: Any = error.problem.get("detail") or error.problem.get("title")
        return f"not ready: {reason or error.status}"
    return READY
