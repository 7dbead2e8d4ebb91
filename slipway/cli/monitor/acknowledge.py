"""`slipway monitor acknowledge`: what has drifted is the new normal."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.monitor.drift import VersionOption, WindowOption
from slipway.cli.options import AsJson, ConfigFile, print_json

ColumnsOption = Annotated[
    list[str] | None, typer.Option("--columns", help="Columns, by commas. Default: those that have drifted.")
]
BackOption = Annotated[bool, typer.Option("--baseline", help="Compare with the baseline again.")]


def acknowledge(
    model: str,
    *,
    version: VersionOption = None,
    columns: ColumnsOption = None,
    window: WindowOption = None,
    baseline: BackOption = False,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Compare drifted columns with what they are now, instead of with the baseline."""
    from slipway.cli.monitor.acknowledging import Change, change_references  # imports botocore

    named = [name.strip() for each in columns or () for name in each.split(",") if name.strip()]
    now = datetime.now(UTC)
    wanted = Change.of(config, model, version, window=window, columns=named, baseline=baseline, now=now)
    done = change_references(wanted)
    if as_json:
        print_json(done.document)
        return
    Console().print(done.sentence, soft_wrap=True, markup=False)
