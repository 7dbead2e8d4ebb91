"""Pictures: a Vega-Lite specification for the browser, and the same data as a table for readers without scripts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

Spec = Mapping[str, Any]
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture and its table. ``label`` says for screen readers what it shows; rows are in the order of ``columns``.

    The browser gives the picture the page's width and colours, so a specification sets neither.
    """

    label: str
    spec: Spec
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    height: int = 160

    @property
    def json(self) -> str:
        """The complete specification; templates escape it into an attribute."""
        return json.dumps({"$schema": _SCHEMA, "width": "container", "height": self.height, **self.spec}, default=str)


def lines(  # one call a picture, so the options are many
    label: str,
    points: Sequence[Mapping[str, Any]],
    *,
    x: str = "time",
    y: str = "value",
    series: str | None = None,
    title: str = "",
    y_format: str = "~s",
    height: int = 160,
    domain: tuple[datetime, datetime] | None = None,
) -> Chart:
    """A line over time in UTC for each series; a point is ``{x: ISO time, y: number, series: name}``.

    ``domain`` is the whole span of time, where that is more than the points have.
    """
    encoding: dict[str, Any] = {
        "x": _time_axis(x, domain),
        "y": {
            "field": y,
            "type": "quantitative",
            "title": title or None,
            "axis": {"format": y_format},
            "scale": {"zero": True},
        },
    }
    if series is not None:
        encoding["color"] = {"field": series, "type": "nominal", "title": None}
        encoding["strokeDash"] = {"field": series, "type": "nominal", "title": None}
    names = (x, *((series,) if series else ()), y)
    timed = [{**point, x: datetime.fromisoformat(point[x])} for point in points]
    rows = tuple(tuple(cell(point.get(name)) for name in names) for point in timed)
    mark = {"type": "line", "point": len(points) < 80, "interpolate": "monotone", "tooltip": False}
    spec = {"data": {"values": list(points)}, "mark": mark, "encoding": encoding}
    return Chart(label, spec, tuple(title or name if name == y else name for name in names), rows, height)


def _time_axis(field: str, domain: tuple[datetime, datetime] | None) -> dict[str, Any]:
    scale: dict[str, Any] = {"type": "utc"}
    days = False
    if domain is not None:
        scale["domain"] = [at.isoformat() for at in domain]
        days = domain[1] - domain[0] > timedelta(days=2)
    axis = {"format": "%b %d" if days else "%H:%M", "grid": False, "tickCount": 6}
    return {"field": field, "type": "temporal", "title": None, "scale": scale, "axis": axis}


def cell(value: object) -> str:
    """A value of a chart's table."""
    match value:
        case None:
            return "–"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case float():
            return f"{value:,.4g}"
        case int():
            return f"{value:,}"
        case _:
            return str(value)


def sparkline(values: Sequence[float], *, label: str, width: int = 120, height: int = 28) -> Markup:
    """A small line without axes, as inline SVG: it needs no script."""
    top = max(values, default=0.0) or 1.0
    step = width / max(len(values) - 1, 1)
    points = " ".join(
        f"{place * step:.1f},{height - 2 - (height - 4) * value / top:.1f}" for place, value in enumerate(values)
    )
    return Markup(
        '<svg class="spark" role="img" aria-label="{label}" viewBox="0 0 {width} {height}" width="{width}" '
        'height="{height}" preserveAspectRatio="none"><polyline points="{points}" /></svg>'
    ).format(label=label, width=width, height=height, points=points)
