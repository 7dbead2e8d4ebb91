"""Print the accuracy of a version: figures with their intervals, segments, and small pictures of the hours."""

import math
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape

from slipway.cli.tables import plain_table
from slipway.monitoring.accuracy.measured import LEAST_HOURS, Measured
from slipway.monitoring.accuracy.summary import Part, Summary
from slipway.statistics.intervals import Interval
from slipway.wording import counted

_NONE = "–"
_BARS = "▁▂▃▄▅▆▇█"
_SHOWN_HOURS = 60
Row = tuple[str, str, str, str]


def print_accuracy(console: Console, title: str, found: Summary, alarmed: str | None) -> None:
    """Print a summary; ``alarmed`` is the period in which an alarm was raised."""
    console.print(f"[bold]{escape(title)}[/]: {counted(int(found.captures), 'capture')}")
    if alarmed is not None:
        console.print(f"[red]Accuracy has fallen[/]: found in the period of {escape(alarmed)}.")
    table = plain_table("accuracy", "", "95 %, one look", "95 %, any time")
    for row in _rows(found):
        table.add_row(*row)
    console.print(table)
    if found.needed:
        console.print(f"{counted(found.needed, 'label')} of drawn records more make the interval as narrow as wanted.")
    for name, parts in found.segments.items():
        _print_segment(console, name, parts)
    _print_hours(console, found.hours)
    for note in found.notes:
        console.print(escape(note), highlight=False)


def _rows(found: Summary) -> Iterator[Row]:
    if found.reference is not None and found.least is not None:
        least = f"may fall to {found.least:.3f}"
        yield "on validation records", f"{found.reference:.3f}", least if found.normal is None else "", ""
        if found.normal is not None:
            yield "acknowledged", f"{found.normal:.3f}", least, ""
    if found.estimated is not None:
        yield "estimated before labels", _value(found.estimated.value), _ends(found.estimated), ""
    if found.corrected is not None:
        once, labels = found.corrected.once, counted(found.corrected.labels, "drawn label")
        yield f"corrected by {labels}", _value(once.value), _ends(once), _ends(found.corrected.any_time)
    if found.labelled is not None:
        yield _labelled_row(found.labelled)


def _labelled_row(found: Measured) -> Row:
    name = "from" if found.metric == "accuracy" else f"{found.metric} of"
    units = "" if found.units == "hours" else ", taken as independent"
    title = f"{name} {counted(found.labels, 'label')}{units}"
    return title, _value(found.value), _ends(found.once), _ends(found.any_time)


def _print_segment(console: Console, name: str, parts: Sequence[Part]) -> None:
    table = plain_table(name, "captures", "estimated", "labels", "from labels", "95 %, any time")
    for part in parts:
        labelled = part.labelled
        table.add_row(
            escape(part.name),
            f"{int(part.captures):,}",
            _NONE if part.estimated is None else _value(part.estimated.value),
            "0" if labelled is None else f"{labelled.labels:,}",
            _NONE if labelled is None else _value(labelled.value),
            _NONE if labelled is None else _ends(labelled.any_time),
        )
    console.print()
    console.print(table)


def _print_hours(console: Console, hours: Sequence[Part]) -> None:
    shown = hours[-_SHOWN_HOURS:]
    if len(shown) < 2:
        return
    estimated = [None if part.estimated is None else part.estimated.value for part in shown]
    labelled = [_share(part.labelled) for part in shown]
    console.print()
    for name, values in (("estimated", estimated), ("from labels", labelled)):
        if any(value is not None for value in values):
            console.print(f"{name:>12} {_bars(values)}", highlight=False)
    console.print(f"{'by hour':>12} {shown[0].name[:13]} to {shown[-1].name[:13]}, from 0 to 1", highlight=False)
    if len(shown) < LEAST_HOURS:
        console.print(f"Intervals take records as independent until {LEAST_HOURS} hours have labels.", highlight=False)


def _bars(values: Sequence[float | None]) -> str:
    """A bar for each share; a gap where there is none."""
    places = [None if value is None else min(int(value * len(_BARS)), len(_BARS) - 1) for value in values]
    return "".join(" " if place is None else _BARS[place] for place in places)


def _share(found: Measured | None) -> float | None:
    return None if found is None or found.metric != "accuracy" else found.value


def _value(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else _NONE


def _ends(interval: Interval | None) -> str:
    if interval is None or not math.isfinite(interval.high) or not math.isfinite(interval.low):
        return _NONE
    return f"{interval.low:.3f} to {interval.high:.3f}"


def summary_rows(found: Summary) -> list[Row]:
    """The figures of a summary as texts: what it is, the value, and its intervals for one look and for any number."""
    return list(_rows(found))
