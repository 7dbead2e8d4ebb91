"""`slipway release watch`: follow a release."""

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from slipway.cli.options import ConfigFile
from slipway.cli.release.forecast import foreseen_now, is_judged
from slipway.cli.release.live import look
from slipway.cli.release.report import record_table
from slipway.cli.release.segments import segment_table
from slipway.cli.release.target import find_model_releases
from slipway.errors import NotFoundError
from slipway.releases.controller.reconciler import Controller, EvidenceReader
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.store import ReleaseStore


def watch(
    model: Annotated[str, typer.Argument(help="The model, e.g. tweet-sentiment.")],
    *,
    every: Annotated[float, typer.Option(help="Seconds between updates.", min=0.5)] = 5.0,
    config: ConfigFile = Path("slipway.yaml"),
) -> None:
    """Show weights, evidence and verdict until the release ends, without changing anything."""
    target = find_model_releases(config, model)
    store, controller = target.deployment.store(), target.deployment.controller(target.config)
    foreseen = Foreseen(target.deployment.evidence(target.config))
    record = _record(store, model)
    with Live(record_table(record), console=Console(), auto_refresh=False) as live:
        while True:
            record = _record(store, model)
            live.update(Group(view(record, controller), foreseen.of(record, controller.now())), refresh=True)
            if record.settled:
                return
            time.sleep(every)


def view(record: ReleaseRecord, controller: Controller) -> RenderableType:
    """A release with the current evidence and the verdict on it."""
    seen = look(record, controller)
    if seen.problem:
        return Group(record_table(record), Text.from_markup(f"[red]{escape(seen.problem)}[/]"))
    table, by_segment = record_table(record, seen.shares, seen.decision), segment_table(record)
    return table if by_segment is None else Group(table, by_segment)


class Foreseen:
    """What the release will find out, computed anew each minute, since that reads an hour of metrics."""

    def __init__(self, reader: EvidenceReader) -> None:
        self._reader = reader
        self._at: datetime | None = None
        self._shown: RenderableType = ""

    def of(self, record: ReleaseRecord, now: datetime) -> RenderableType:
        """Return the table of this minute, or nothing once the release has ended."""
        if not is_judged(record):
            return ""
        minute = now.replace(second=0, microsecond=0)
        if minute != self._at:
            self._at, self._shown = minute, foreseen_now(record, self._reader, now)
        return self._shown


def _record(store: ReleaseStore, model: str) -> ReleaseRecord:
    found = store.current([model])
    if not found:
        raise NotFoundError("release of model", model)
    return found[0]
