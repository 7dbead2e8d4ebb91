"""Print the status of models as a table of 80 columns, which fits a pipe or a narrow terminal."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.cli.status.overview import ModelStatus, SlotStatus, Traffic, VersionStatus

_NONE = "–"
_CAPTION = "Rows of versions show predictions instead of requests, and the p99 of inference alone."
_ONE_TASK = (
    "one task takes all requests, and they fail while it restarts; `heavy.min_tasks: 2` keeps another one serving."
)
Row = tuple[str, ...]


def print_status(console: Console, models: Iterable[ModelStatus]) -> None:
    """Print a row per model, one per version or slot, and what a model lacks to survive the loss of a task."""
    models = list(models)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), caption=_CAPTION, caption_justify="left")
    for heading in ("model", "weight", "healthy", "requests", "errors", "faults", "p99, ms"):
        table.add_column(heading, justify="left" if heading in ("model", "healthy") else "right")
    for model in models:
        table.add_row(f"[bold]{escape(model.model)}[/] {model.tier}", "", "", *_traffic(model.traffic))
        for row in [*_versions(model.versions), *_slots(model.slots)]:
            table.add_row(*row)
    console.print(table)
    for model in models:
        if _has_one_task(model):
            console.print(f"{escape(model.model)}: {_ONE_TASK}")


def _has_one_task(model: ModelStatus) -> bool:
    serving = [slot for slot in model.slots if slot.weight]
    return bool(serving) and sum(slot.desired for slot in serving) <= 1


def _versions(versions: Iterable[VersionStatus]) -> Iterator[Row]:
    for each in versions:
        name = f"  version {each.version}{', stable' if each.stable else ''}"
        yield name, "", "", f"{each.predictions:,}", "", "", _ms(each.p99_ms)


def _slots(slots: tuple[SlotStatus, ...]) -> Iterator[Row]:
    total = sum(each.weight for each in slots)
    for each in slots:
        share = f"{each.weight / total:.0%}" if total else "0%"
        yield f"  {each.slot}: version {each.version or _NONE}", share, _tasks(each), *_traffic(each.traffic)


def _tasks(slot: SlotStatus) -> str:
    """`2 of 2`, in red if tasks are missing."""
    text = f"{slot.healthy} of {slot.desired}"
    coloured = f"[red]{text}[/]" if slot.healthy < slot.desired else text
    return f"{coloured}, deploying" if slot.deploying else coloured


def _traffic(traffic: Traffic) -> Row:
    faults = f"[red]{traffic.faults:,}[/]" if traffic.faults else "0"
    return f"{traffic.requests:,}", f"{traffic.errors:,}", faults, _ms(traffic.p99_ms)


def _ms(milliseconds: float | None) -> str:
    return _NONE if milliseconds is None else f"{milliseconds:.1f}"
