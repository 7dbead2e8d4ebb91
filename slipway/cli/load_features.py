"""`slipway features load`: write a file of features to the store in batches, and report refused rows."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress

from slipway.cli.api import Api, connect
from slipway.cli.exits import Exit
from slipway.cli.options import AsJson, ConfigFile, Token, Url
from slipway.cli.project import load_project
from slipway.cli.tables import new_table
from slipway.errors import SlipwayError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.files import FileRow, count_rows, read_file
from slipway.features.store import FeatureWrite
from slipway.wording import counted

BATCH_WRITES = 200  # at thirty floats per write, an eighth of the default body limit
SHOWN_REFUSALS = 20


@dataclass
class Outcome:
    """The results of a file's writes."""

    stored: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, row: int, reason: str) -> None:
        self.refused.append({"row": row, "reason": reason})


def load(
    file: Annotated[Path, typer.Argument(help="A .csv, .jsonl or .parquet file.")],
    *,
    config: ConfigFile = Path("slipway.yaml"),
    api: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Write each row of a file; exit with code 1 if any was refused."""
    definitions = FeatureDefinitions(load_project(config).features)
    rows = count_rows(file)
    outcome = Outcome()
    progress = Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True))
    with connect(api, token) as client, progress:
        task = progress.add_task(file.name, total=rows)
        for batch in _batches(read_file(file, definitions, datetime.now(UTC))):
            _send(client, batch, outcome)
            progress.update(task, completed=batch[-1][0])
    _report(outcome, as_json=as_json)
    if outcome.refused:
        raise typer.Exit(Exit.REFUSED)


def _batches(rows: Iterator[FileRow]) -> Iterator[list[FileRow]]:
    while batch := list(islice(rows, BATCH_WRITES)):
        yield batch


def _send(client: Api, batch: list[FileRow], outcome: Outcome) -> None:
    """Send the readable rows of a batch in one call; refuse the others without sending them."""
    writes = []
    for number, row in batch:
        if isinstance(row, SlipwayError):
            outcome.refuse(number, str(row))
        else:
            writes.append((number, row))
    if not writes:
        return
    answer = client.call("POST", "/v1/features/batch-write", {"rows": [_body(write) for _, write in writes]})
    outcome.stored += answer["stored"]
    for (number, _), result in zip(writes, answer["results"], strict=True):
        if not result["stored"]:
            outcome.refuse(number, result["reason"])


def _body(write: FeatureWrite) -> dict[str, Any]:
    return {**write.key._asdict(), "event_time": write.event_time.isoformat(), "values": dict(write.values)}


def _report(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"stored": outcome.stored, "refused": outcome.refused}, ensure_ascii=False))
        return
    console = Console()
    if outcome.refused:
        table = new_table("row", "refused because", title="refused")
        for refusal in outcome.refused[:SHOWN_REFUSALS]:
            table.add_row(str(refusal["row"]), escape(refusal["reason"]))
        console.print(table)
        if (more := len(outcome.refused) - SHOWN_REFUSALS) > 0:
            console.print(f"and {more} more; --json lists all")
    console.print(f"{counted(outcome.stored, 'write')} stored, {len(outcome.refused):,} refused")
