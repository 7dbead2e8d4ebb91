"""The status of models, for reading."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.cli.overview import ModelStatus, SlotStatus, Traffic, VersionStatus

_NONE = "–"
Row = tuple[str, ...]


def print_status(console: Console, models: Iterable[ModelStatus]) -> None:
    """A row for each model, and one for each of its versions or slots."""
    table = Table("model", "tier", "version", "weight", "tasks", "requests", "errors", "faults", "p99")
    for model in models:
        table.add_row(escape(model.model), model.tier, "", "", "", *_traffic(model.traffic))
        for row in [*_versions(model.versions), *_slots(model.slots)]:
            table.add_row(*row)
    console.print(table)


def _versions(versions: Iterable[VersionStatus]) -> Iterator[Row]:
    for each in versions:
        version = f"{each.version} stable" if each.stable else str(each.version)
        yield "", "", version, "", "", f"{each.predictions:,} predictions", "", "", f"{_ms(each.p99_ms)} inference"


def _slots(slots: tuple[SlotStatus, ...]) -> Iterator[Row]:
    total = sum(each.weight for each in slots)
    for each in slots:
        share = f"{each.weight / total:.0%}" if total else "0%"
        yield f"  {each.slot}", "", str(each.version or _NONE), share, _tasks(each), *_traffic(each.traffic)


def _tasks(slot: SlotStatus) -> str:
    """`2 of 2 healthy`, in colour where a task that should be there is not."""
    text = f"{slot.healthy} of {slot.desired} healthy"
    coloured = f"[red]{text}[/]" if slot.healthy < slot.desired else text
    return f"{coloured}, deploying" if slot.deploying else coloured


def _traffic(traffic: Traffic) -> Row:
    faults = f"[red]{traffic.faults:,}[/]" if traffic.faults else "0"
    return f"{traffic.requests:,}", f"{traffic.errors:,}", faults, _ms(traffic.p99_ms)


def _ms(milliseconds: float | None) -> str:
    return _NONE if milliseconds is None else f"{milliseconds:.1f} ms"
