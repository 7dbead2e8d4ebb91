"""Print what `slipway monitor skew` found, as tables or as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from slipway.cli.skew.sources import SkewReport
from slipway.cli.tables import plain_table
from slipway.monitoring.skew.distribution import Apart
from slipway.monitoring.skew.replay import Difference
from slipway.records.rows import shown
from slipway.wording import counted

_SHOWN_COLUMNS = 10


def as_document(report: SkewReport, model: str, limit: int) -> dict[str, Any]:
    """The report for `--json`."""
    found = report.replay
    return {
        "model": model,
        "against": report.against,
        "groups": list(report.groups),
        "captures": report.captures,
        "rows": found.rows,
        "values": found.values,
        "differing": found.differing,
        "raced": found.raced,
        "unknown": found.unknown,
        "features": dict(found.features.most_common()),
        "differences": [_difference(each) for each in found.differences[:limit]],
        "schema": [{"name": each.name, "problem": each.message} for each in report.schema],
        "distances": [
            {
                "name": each.name,
                "effect": each.effect,
                "missing_offline": each.missing_offline,
                "missing_served": each.missing_served,
            }
            for each in report.apart
        ],
    }


def _difference(each: Difference) -> dict[str, Any]:
    row = each.row
    return {
        "prediction": row.prediction,
        "time": _moment(row.time),
        "entity": row.entity,
        "id": row.id,
        "group": row.group,
        "feature": each.feature,
        "served": each.served,
        "expected": each.expected,
        "written_at": None if each.written_at is None else _moment(each.written_at),
        "place": each.place,
    }


def print_report(report: SkewReport, model: str, source: str, limit: int) -> None:
    """Print the report for a person; ``source`` is the window or the folder of the predictions."""
    console, found = Console(), report.replay
    rows, captures = counted(found.rows, "row"), counted(report.captures, "prediction")
    lines = [
        f"{model}, {captures} of {source}: {rows} of features compared with {report.against}",
        f"{found.differing:,} differ, {found.raced:,} raced with a write, {found.unknown:,} have no counterpart",
    ]
    if not report.captures:
        lines.append("No prediction was captured; `capture.sample` of the model turns captures on.")
    lines += [f"{name}: {counted(count, 'value')} differ" for name, count in found.features.most_common()]
    lines += [_sentence(each) for each in found.differences[:limit]]
    if (more := sum(found.features.values()) - limit) > 0:
        lines.append(f"and {more:,} more; --limit and --json show them")
    lines += [f"{problem.name} {problem.message}" for problem in report.schema]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    _print_distances(console, report.apart)


def _print_distances(console: Console, apart: Sequence[Apart]) -> None:
    if not apart:
        return
    table = plain_table("input", "distance", "missing offline", "missing served")
    for each in apart[:_SHOWN_COLUMNS]:
        missing = (f"{each.missing_offline:.1%}", f"{each.missing_served:.1%}")
        table.add_row(escape(each.name), f"{each.effect:.3f}", *missing)
    console.print(table)


def _sentence(each: Difference) -> str:
    row = each.row
    source = each.place or ("written " + _moment(each.written_at) if each.written_at else "no row then")
    served, expected = shown(each.served), shown(each.expected)
    return (
        f"{row.group}.{each.feature} of {row.entity} {row.id}: served {served}, expected {expected} ({source}) "
        f"in {row.prediction} of {_moment(row.time)}"
    )


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
