"""`slipway id-keys`: rotate the keys that prediction ids are signed with."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.deployed import find_deployed
from slipway.cli.options import ConfigFile
from slipway.config import load_config
from slipway.config.deployment.keys import id_keys_parameter
from slipway.errors import NotFoundError

Revoke = Annotated[bool, typer.Option("--revoke", help="Drop the keys in use, too: a key has leaked.")]

app = typer.Typer(help="The keys that prediction ids are signed with.", no_args_is_help=True)


@app.callback()
def id_keys() -> None:
    """Group the commands, of which there is one so far."""


@app.command()
def rotate(*, revoke: Revoke = False, config: ConfigFile = Path("slipway.yaml")) -> None:
    """Make a new key. Feedback goes on accepting the ids of the key before it, and those of older ones no more."""
    from slipway.monitoring.feedback.key_parameter import KeyParameter

    project = load_config(config).project
    name = id_keys_parameter(project)
    deployed = find_deployed(project)
    parameter = KeyParameter(name, **deployed.options)
    keys = parameter.read()
    if keys is None:
        raise NotFoundError("parameter", name, within=deployed.place, way_out="the first prediction creates it")
    parameter.replace(keys.rotated(datetime.now(UTC), revoke=revoke))
    if revoke:
        typer.echo("Every key in use was dropped: feedback on earlier predictions is refused, within an hour.")
    else:
        typer.echo("A new key signs within an hour; ids of the key before it stay valid until the next rotation.")
