"""A picture of accuracy over time: estimated with its interval, from labels, and what it may fall to."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from slipway.console.charts import Chart
from slipway.console.pictures.silent import SILENT
from slipway.monitoring.accuracy.measured import Measured
from slipway.monitoring.accuracy.summary import Part, Summary
from slipway.statistics.intervals import Interval

ESTIMATED, LABELLED = "estimated, with 95 %", "from labels, with 95 % at any time"
_COLUMNS = ("hour, UTC", "captures", "estimated", "95 %", "labels", "from labels", "95 %, any time")
_NONE = "–"
_TIME = {
    "field": "hour",
    "type": "temporal",
    "title": None,
    "scale": {"type": "utc"},
    "axis": {"grid": False, "tickCount": 6},
}


def over_time(found: Summary) -> Chart | None:
    """The hours of a window that have an accuracy; None if none has, as for a regression, whose errors are none."""
    values, rules = [_value(part) for part in found.hours], list(_rules(found))
    layers = [
        # Vega would look for the extent of a layer without values, and warn.
        *(_estimated() if any(each["estimated"] is not None for each in values) else []),
        *(_labelled() if any(each["labelled"] is not None for each in values) else []),
    ]
    if not layers:
        return None
    spec = {"data": {"values": values}, "layer": [*layers, *([_lines(rules)] if rules else [])], **SILENT}
    label = f"Accuracy by hour, of {int(found.captures):,} captures"
    return Chart(label, spec, _COLUMNS, tuple(_row(part) for part in found.hours), height=220)


def _value(part: Part) -> dict[str, Any]:
    labelled = part.labelled if part.labelled is not None and part.labelled.metric == "accuracy" else None
    return {
        "hour": part.name,
        "captures": part.captures,
        **_ends("estimated", part.estimated),
        "labelled": None if labelled is None else _finite(labelled.value),
        "labels": 0 if labelled is None else labelled.labels,
        **_ends("known", None if labelled is None else labelled.any_time),
    }


def _ends(name: str, interval: Interval | None) -> dict[str, float | None]:
    low, high = (None, None) if interval is None else (_finite(interval.low), _finite(interval.high))
    return {name: None if interval is None else _finite(interval.value), f"{name}_low": low, f"{name}_high": high}


def _estimated() -> list[dict[str, Any]]:
    colour = {"datum": ESTIMATED, "type": "nominal", "title": None}
    band = {"field": "estimated_low", "type": "quantitative", "title": "accuracy", "scale": {"zero": False}}
    return [
        {
            "transform": [_there("estimated")],
            "mark": {"type": "area", "opacity": 0.25},
            "encoding": {"x": _TIME, "y": band, "y2": {"field": "estimated_high"}, "color": colour},
        },
        {
            "transform": [_there("estimated")],
            "mark": {"type": "line", "point": True},
            "encoding": {"x": _TIME, "y": {"field": "estimated", "type": "quantitative"}, "color": colour},
        },
    ]


def _labelled() -> list[dict[str, Any]]:
    colour = {"datum": LABELLED, "type": "nominal", "title": None}
    ends = {"y": {"field": "known_low", "type": "quantitative"}, "y2": {"field": "known_high"}}
    return [
        {
            "transform": [_there("known_low")],
            "mark": {"type": "rule"},
            "encoding": {"x": _TIME, **ends, "color": colour},
        },
        {
            "transform": [_there("labelled")],
            "mark": {"type": "point", "filled": True, "size": 50},
            "encoding": {"x": _TIME, "y": {"field": "labelled", "type": "quantitative"}, "color": colour},
        },
    ]


def _there(field: str) -> dict[str, Any]:
    return {"filter": {"field": field, "valid": True}}


def _rules(found: Summary) -> Iterator[dict[str, Any]]:
    if found.reference is not None:
        yield {"accuracy": found.reference, "of": "on validation records"}
    if found.least is not None:
        yield {"accuracy": found.least, "of": "may fall to"}


def _lines(rules: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "data": {"values": rules},
        "mark": {"type": "rule"},
        "encoding": {
            "y": {"field": "accuracy", "type": "quantitative"},
            "strokeDash": {"field": "of", "type": "nominal", "title": None},
        },
    }


def _row(part: Part) -> tuple[str, ...]:
    known = part.labelled
    return (
        part.name[:16].replace("T", " "),
        f"{int(part.captures):,}",
        _figure(part.estimated),
        _interval(part.estimated),
        "0" if known is None else f"{known.labels:,}",
        _known(known),
        _interval(None if known is None else known.any_time),
    )


def _known(known: Measured | None) -> str:
    if known is None or not math.isfinite(known.value):
        return _NONE
    return f"{known.value:.3f}" if known.metric == "accuracy" else f"{known.metric} {known.value:.3g}"


def _figure(interval: Interval | None) -> str:
    return _NONE if interval is None or not math.isfinite(interval.value) else f"{interval.value:.3f}"


def _interval(interval: Interval | None) -> str:
    if interval is None or not math.isfinite(interval.low) or not math.isfinite(interval.high):
        return _NONE
    return f"{interval.low:.3f} to {interval.high:.3f}"


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
