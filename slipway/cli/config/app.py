"""`slipway config`: what slipway.yaml says in an environment."""

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml

from slipway.cli.options import AsJson, ConfigFile
from slipway.cli.project import chosen_environment
from slipway.config import read_project

app = typer.Typer(help="Show what slipway.yaml says.", no_args_is_help=True)
Full = Annotated[bool, typer.Option("--defaults", help="Show the keys that slipway.yaml leaves out, too.")]


@app.command()
def show(*, config: ConfigFile = Path("slipway.yaml"), defaults: Full = False, as_json: AsJson = False) -> None:
    """Show the keys of an environment, merged, after checking all environments."""
    project, environment = read_project(config), chosen_environment()
    merged = dict(project.document(environment))
    if defaults:
        merged = project.config(environment).model_dump(mode="json")
    if as_json:
        typer.echo(json.dumps(merged))
    else:
        typer.echo(yaml.safe_dump(merged, sort_keys=False, allow_unicode=True), nl=False)


@app.command()
def environments(*, config: ConfigFile = Path("slipway.yaml"), as_json: AsJson = False) -> None:
    """List the environments of slipway.yaml with their projects and models."""
    project = read_project(config)
    if as_json:
        rows = ({"environment": n, "project": c.project, "models": list(c.models)} for n, c in project.configs.items())
        typer.echo(json.dumps(list(rows)))
        return
    for name, found in project.configs.items():
        typer.echo(f"{name or '(none)'}\t{found.project}\t{', '.join(found.models)}")
