"""`slipway features backfill`: add old rows to a history, which the store never saw."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from slipway.cli.exits import Exit
from slipway.cli.history.place import history_files
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.project import load_project
from slipway.cli.tables import new_table
from slipway.features.definitions import FeatureDefinitions
from slipway.features.files import read_file
from slipway.features.history.backfill import Backfilled
from slipway.features.history.backfill import backfill as add_to_history
from slipway.wording import counted

SHOWN_REFUSALS = 20
Delay = Annotated[
    float, typer.Option(min=0, help="Seconds after its event at which the store would have had a row.", metavar="S")
]
ToFolder = Annotated[
    Path | None, typer.Option("--to", metavar="DIR", help="A folder to write to. Default: the deployed bucket.")
]


def backfill(
    file: Annotated[Path, typer.Argument(help="A .csv, .tsv, .jsonl or .parquet file, as `features load` takes it.")],
    *,
    folder: ToFolder = None,
    delay: Delay = 0.0,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Add the rows of a file to the history, as if written when their events happened; the store is not touched."""
    project, now = load_project(config), datetime.now(UTC)
    definitions = FeatureDefinitions(project.features)
    rows = read_file(file, definitions, now)
    files = history_files(project, folder)
    done = add_to_history(rows, files, definitions, now=now, delay=timedelta(seconds=delay))
    _report(done, as_json=as_json)
    if done.refused:
        raise typer.Exit(Exit.REFUSED)


def _report(done: Backfilled, *, as_json: bool) -> None:
    if as_json:
        refused = [{"row": position.number, "reason": reason} for position, reason in done.refused]
        print_json({"added": done.added, "files": done.files, "refused": refused})
        return
    console = Console()
    if done.refused:
        table = new_table("row", "refused because", title="refused")
        for position, reason in done.refused[:SHOWN_REFUSALS]:
            table.add_row(str(position.number), escape(reason))
        console.print(table)
    added, files = counted(done.added, "write"), counted(done.files, "file")
    console.print(f"{added} added in {files}, {len(done.refused):,} refused")
