"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[
    str | None,
    typer.Option(
        "--api", envvar="SLIPWAY_API", help="Address of the API. Default: the one up here, else the deployed one."
    ),
]
Token = Annotated[str | None, typer.Option(envvar="SLIPWAY_TOKEN", help="JWT for an API with `authorization: jwt`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ConfigFile = Annotated[Path, typer.Option("--config", help="The slipway.yaml to read.")]
