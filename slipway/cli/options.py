"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from slipway.errors import InputError

Url = Annotated[
    str | None,
    typer.Option(
        "--api", envvar="SLIPWAY_API", help="Address of the API. Default: the one running here, else the deployed one."
    ),
]
Token = Annotated[str | None, typer.Option(envvar="SLIPWAY_TOKEN", help="JWT for an API with `authorization: jwt`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Changes = Annotated[
    list[str] | None, typer.Option("--option", "-o", help="NAME=VALUE, e.g. share=0.1 or judge.min_requests=50.")
]
ConfigFile = Annotated[Path, typer.Option("--config", help="The slipway.yaml to read.")]


def named_changes(options: list[str] | None) -> dict[str, str]:
    """Parse `Changes` into values by name; raises InputError."""
    pairs = [option.partition("=") for option in options or ()]
    for name, sign, _ in pairs:
        if not name or not sign:
            raise InputError.of("--option", f"{name!r} must be NAME=VALUE")
    return {name: value for name, _, value in pairs}
