"""`slipway monitor profile`: the profile of a file of records, over a version's bins."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.options import AsJson, ConfigFile

Model = Annotated[str, typer.Option("--model", help="The model whose records these are.")]
Version = Annotated[
    int | None, typer.Option(min=1, help="The version whose bins to count into. Default: `stable` of slipway.yaml.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Also write the profile as JSON to this file.")]


def profile(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet.")],
    *,
    model: Model,
    version: Version = None,
    output: Output = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Count the records of a file into the bins of a version's baseline."""
    # Every command loads this module, and only this one needs NumPy.
    from slipway.cli.monitor.drift_source import MonitoredModel
    from slipway.cli.monitor.profile_report import print_profile
    from slipway.monitoring.profiles.bins import bins_of
    from slipway.monitoring.profiles.profile import dump_profile
    from slipway.monitoring.profiles.tables import profile_file

    monitored = MonitoredModel.of(config, model)
    package = monitored.package(version or monitored.configured)
    made = profile_file(file, package)
    text = dump_profile(made.profile)
    if output is not None:
        output.write_text(f"{json.dumps(json.loads(text), indent=1)}\n", encoding="utf-8")
    if as_json:
        typer.echo(text)
    else:
        print_profile(Console(), file.name, made, bins_of(package.manifest, package.baseline))
