"""Pictures of drift: the columns by effect, and one column's baseline and window beside each other."""

from collections.abc import Sequence
from typing import Any

from slipway.console.charts import Chart
from slipway.console.pictures.silent import SILENT
from slipway.monitoring.drift.findings import ColumnDrift
from slipway.monitoring.drift.report import Line

DRIFTED, LARGE, SMALL, IGNORED = "drifted", "large", "small", "ignored"
MOST_COLUMNS = 20
_MOST_CELLS = 24
_ROW_PIXELS = 22
_LABEL_PIXELS = 220


def word(line: Line, least: float) -> str:
    """The verdict on a column in one word: an alarm needs a large effect and the evidence of a test."""
    if line.ignored:
        return IGNORED
    if line.verdict is not None and line.verdict.since is not None:
        return DRIFTED
    return LARGE if line.drift.effect >= least else SMALL


def effects(lines: Sequence[Line], least: float) -> Chart:
    """The columns that moved most, by effect, beside the least effect of an alarm."""
    shown = lines[:MOST_COLUMNS]
    values = [
        {"column": line.drift.column, "effect": line.drift.effect, "verdict": word(line, least)} for line in shown
    ]
    column = {"field": "column", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": _LABEL_PIXELS}}
    verdicts = {"domain": [SMALL, LARGE, DRIFTED, IGNORED]}
    spec = {
        **SILENT,
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "bar"},
                "encoding": {
                    "y": column,
                    "x": {"field": "effect", "type": "quantitative", "title": "effect, from 0 to 1"},
                    "color": {"field": "verdict", "type": "nominal", "title": None, "scale": verdicts},
                },
            },
            {
                "data": {"values": [{"effect": least}]},
                "mark": {"type": "rule", "strokeDash": [4, 4]},
                "encoding": {"x": {"field": "effect", "type": "quantitative"}},
            },
        ],
    }
    rows = tuple((line.drift.column, f"{line.drift.effect:.3f}", word(line, least)) for line in shown)
    label = f"Columns by effect; an alarm needs at least {least:g}"
    return Chart(label, spec, ("column", "effect", "verdict"), rows, height=max(60, _ROW_PIXELS * len(shown)))


def beside(drift: ColumnDrift, before: str, now: str = "now") -> Chart:
    """The share of each cell of a column, in what it is compared with (``before``) and in the window (``now``)."""
    cells = shown_cells(drift)
    values: list[dict[str, Any]] = [
        {"cell": drift.cells[cell], "share": shares[cell], "of": name}
        for cell in cells
        for name, shares in ((before, drift.expected), (now, drift.found))
    ]
    unit = "pieces" if drift.kind == "pieces" else "records"
    names = {"domain": [before, now]}
    spec = {
        **SILENT,
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "cell", "type": "nominal", "sort": None, "title": None, "axis": {"labelAngle": -45}},
            "xOffset": {"field": "of", "type": "nominal", "scale": names},
            "y": {
                "field": "share",
                "type": "quantitative",
                "title": f"share of {unit}",
                "axis": {"format": ".0%"},
            },
            "color": {"field": "of", "type": "nominal", "title": None, "scale": names},
        },
    }
    rows = tuple((drift.cells[cell], f"{drift.expected[cell]:.1%}", f"{drift.found[cell]:.1%}") for cell in cells)
    label = f"{drift.column}: {before} and {now}, by cell"
    return Chart(label, spec, ("cell", before, now), rows, height=180)


def shown_cells(drift: ColumnDrift) -> list[int]:
    """The cells to draw, in their order: those that hold anything, or of many, those that have moved most."""
    held = [cell for cell in range(len(drift.cells)) if drift.expected[cell] or drift.found[cell]]
    moved = sorted(held, key=lambda cell: -abs(drift.found[cell] - drift.expected[cell]))
    return sorted(moved[:_MOST_CELLS])
