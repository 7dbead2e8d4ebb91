"""`slipway monitor skew`: compare the features of predictions with the history, or with an offline file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.history.place import FromFolder
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.project import load_project
from slipway.cli.skew.report import as_document, print_report
from slipway.cli.skew.sources import CapturesPlace, Compared, compare_with_file, compare_with_history
from slipway.monitoring.drift.windows import window_of
from slipway.monitoring.skew.offline import MATCH_SECONDS
from slipway.monitoring.skew.replay import RACE_SECONDS, TOLERANCE

Span = Annotated[
    str, typer.Option("--window", help="The predictions to compare: how far back, e.g. 24h or 7d, or START/END.")
]
OfflineFile = Annotated[
    Path | None, typer.Option("--file", help="Compare with this file of inputs by entity and time instead.")
]
TimeColumn = Annotated[str, typer.Option("--time", help="The file's column with the time of each row.")]
Tolerance = Annotated[float, typer.Option(min=0, max=1, help="The relative difference that floats may have.")]
Race = Annotated[float, typer.Option("--race", min=0, help="Seconds within which a write and a prediction may race.")]
Within = Annotated[float, typer.Option(min=0, help="Seconds that the file's times may differ from a prediction's.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many differences to show.")]


def skew(
    model: Annotated[str, typer.Argument(help="The model.")],
    *,
    window: Span = "24h",
    file: OfflineFile = None,
    time: TimeColumn = "time",
    tolerance: Tolerance = TOLERANCE,
    race: Race = RACE_SECONDS,
    within: Within = MATCH_SECONDS,
    limit: Limit = 20,
    folder: FromFolder = None,
    captures: CapturesPlace = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Name the features that predictions were made with and that differ from the history, or from an offline file."""
    asked = window_of(window, until=datetime.now(UTC), option="--window")
    compared = Compared(load_project(config), config, model, asked.since, asked.until, captures)
    if file is not None:
        report = compare_with_file(compared, file, time, tolerance=tolerance, match_seconds=within)
    else:
        report = compare_with_history(compared, folder, tolerance=tolerance, race_seconds=race)
    if as_json:
        print_json(as_document(report, model, limit))
    else:
        print_report(report, model, str(captures or asked), limit)
