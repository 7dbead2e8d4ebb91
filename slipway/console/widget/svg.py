"""Renders a Vega-Lite specification to SVG with vl-convert, which runs Vega itself: docs/adr/0031 says why."""

import importlib
import json
from collections.abc import Mapping
from typing import Any

from slipway.console.charts import Chart
from slipway.errors import UnavailableError

# Around the picture are a line of text and the table that can be opened.
_AROUND = 70
_LEAST_HEIGHT = 60
# Okabe and Ito's palette, which colour-blind readers can tell apart.
_PALETTE = ["#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"]
_INK = {"light": ("#16191f", "#d5dbdb"), "dark": ("#d1d5db", "#414d5c")}


def render(chart: Chart, *, width: float, height: float, theme: str) -> str:
    """The picture as an SVG element that fits a widget of this size in pixels; its texts are escaped.

    Raises:
        UnavailableError: this is the embedded AWS, whose functions see the packages of the checkout.
    """
    try:
        vega = importlib.import_module("vl_convert")
    except ModuleNotFoundError as error:
        reason = "vl-convert is in the bundle for an account alone; `slipway console` shows the same here"
        raise UnavailableError("what draws pictures", reason) from error
    svg: str = vega.vegalite_to_svg(sized(chart, width, height, theme), allowed_base_urls=[])
    return svg


def sized(chart: Chart, width: float, height: float, theme: str) -> dict[str, Any]:
    """The complete specification, with a widget's size and the colours of its dashboard."""
    spec: dict[str, Any] = json.loads(chart.json)
    inner = max(_LEAST_HEIGHT, height - _AROUND)
    return {
        **spec,
        "width": width,
        "height": inner,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": {**spec.get("config", {}), **_config(theme)},
    }


def _config(theme: str) -> Mapping[str, Any]:
    ink, grid = _INK[theme]
    text = {"labelColor": ink, "titleColor": ink}
    return {
        "background": None,
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {**text, "gridColor": grid, "domainColor": grid, "tickColor": grid},
        "legend": {**text, "orient": "top"},
        "range": {"category": _PALETTE},
        "rule": {"color": ink},
    }
