"""`slipway features load`: write a file of features to the store, and report what was stored and what was refused."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress

from slipway.cli.api import connect
from slipway.cli.exits import Exit, exit_of, explain
from slipway.cli.feature_upload import ApiUpload, DirectUpload, Numbered, Sent
from slipway.cli.options import AsJson, ConfigFile, Token, Url, print_json
from slipway.cli.project import load_project
from slipway.cli.tables import new_table
from slipway.config import Config
from slipway.errors import InputError, SlipwayError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.files import FileRow, count_rows, read_file
from slipway.records.rows import Position
from slipway.wording import counted

SHOWN_REFUSALS = 20


@dataclass
class Outcome:
    """The results of a file's writes; ``error`` is why the rows from ``unknown`` on may not be stored."""

    stored: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[Position] = field(default_factory=list)
    error: SlipwayError | None = None

    def refuse(self, position: Position, reason: str) -> None:
        place = {"row": position.number} | ({"line": position.line} if position.line else {})
        self.refused.append({**place, "reason": reason})

    def add(self, sent: Sent) -> None:
        if sent.error is not None:
            self.unknown.append(sent.position)
            self.error = self.error or sent.error
        elif sent.reason is not None:
            self.refuse(sent.position, sent.reason)
        else:
            self.stored += 1


def load(
    file: Annotated[Path, typer.Argument(help="A .csv, .tsv, .jsonl or .parquet file.")],
    *,
    direct: Annotated[
        bool, typer.Option("--direct", help="Write straight to the table, with your own AWS credentials: faster.")
    ] = False,
    config: ConfigFile = Path("slipway.yaml"),
    api: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Write each row of a file; exit with code 1 if any was refused."""
    settings, outcome = load_project(config), Outcome()
    total = count_rows(file)
    rows = read_file(file, FeatureDefinitions(settings.features), datetime.now(UTC))
    progress = Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True))
    with ExitStack() as stack:
        upload = _upload(settings, api, token, stack, config=config, direct=direct)
        stack.enter_context(progress)
        task = progress.add_task(file.name, total=total)
        for sent in upload.send(_readable(rows, outcome)):
            outcome.add(sent)
            progress.update(task, completed=sent.position.number)
    _report(outcome, as_json=as_json)
    if outcome.error is not None:
        explain(outcome.error)
        raise typer.Exit(exit_of(outcome.error))
    if outcome.refused:
        raise typer.Exit(Exit.REFUSED)


def _upload(
    settings: Config, api: str | None, token: str | None, stack: ExitStack, *, config: Path, direct: bool
) -> ApiUpload | DirectUpload:
    if direct:
        if api or token:
            raise InputError.of("--direct", "writes to the table, not through an API: leave --api and --token out")
        return DirectUpload(settings)
    client = stack.enter_context(connect(api, token, config=config))
    return ApiUpload(client, FeatureDefinitions(settings.features), settings.api.limits.body_bytes)


def _readable(rows: Iterator[FileRow], outcome: Outcome) -> Iterator[Numbered]:
    """The writes, until a call has failed; refused rows go to the outcome."""
    for position, row in rows:
        if outcome.error is not None:
            outcome.unknown.append(position)
            return
        if isinstance(row, SlipwayError):
            outcome.refuse(position, str(row))
        else:
            yield position, row


def _report(outcome: Outcome, *, as_json: bool) -> None:
    outcome.refused.sort(key=lambda refusal: refusal["row"])
    unknown = min((position.number for position in outcome.unknown), default=None)
    if as_json:
        unsent = {} if unknown is None else {"unknown_from_row": unknown}
        print_json({"stored": outcome.stored, "refused": outcome.refused, **unsent})
        return
    console = Console()
    if outcome.refused:
        table = new_table("row", "line", "refused because", title="refused")
        for refusal in outcome.refused[:SHOWN_REFUSALS]:
            table.add_row(str(refusal["row"]), str(refusal.get("line", "")), escape(refusal["reason"]))
        console.print(table)
        if (more := len(outcome.refused) - SHOWN_REFUSALS) > 0:
            console.print(f"and {more} more; --json lists all")
    console.print(f"{counted(outcome.stored, 'write')} stored, {len(outcome.refused):,} refused")
    if unknown is not None:
        console.print(f"a call failed: rows from {unknown} on may not be stored; loading the file again is safe")
