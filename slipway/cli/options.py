"""The options that several commands share, and what `--json` prints."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

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


def print_json(document: Any) -> None:
    """Print a document as one line of JSON; a figure that is not a finite number is null."""
    typer.echo(json.dumps(_finite(document), ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {key: _finite(part) for key, part in value.items()}
        case list() | tuple():
            return [_finite(part) for part in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
