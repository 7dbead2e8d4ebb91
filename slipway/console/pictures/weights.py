"""A picture of a release's weights: the share of traffic that each version should have."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.console.charts import Chart
from slipway.console.pictures.silent import SILENT

STABLE, CANDIDATE = "stable", "candidate"


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """The shares of a model's versions, from 0 to 1, and which one is stable."""

    model: str
    stable: int
    shares: Mapping[int, float]


def weights(models: list[ModelWeights]) -> Chart:
    """A bar for each model, with a part for each version that has traffic."""
    values = [
        {
            "model": each.model,
            "version": f"version {version}",
            "share": share,
            "role": STABLE if version == each.stable else CANDIDATE,
        }
        for each in models
        for version, share in sorted(each.shares.items())
    ]
    spec = {
        **SILENT,
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "y": {"field": "model", "type": "nominal", "sort": None, "title": None},
            "x": {
                "field": "share",
                "type": "quantitative",
                "stack": True,
                "title": "share of traffic",
                "axis": {"format": ".0%"},
                "scale": {"domain": [0, 1]},
            },
            "color": {"field": "role", "type": "nominal", "title": None, "scale": {"domain": [STABLE, CANDIDATE]}},
            "detail": {"field": "version", "type": "nominal"},
            "order": {"field": "version", "type": "ordinal"},
        },
    }
    rows = tuple(
        (str(each["model"]), str(each["version"]), str(each["role"]), f"{each['share']:.1%}") for each in values
    )
    label = "Share of traffic by version"
    return Chart(label, spec, ("model", "version", "role", "share"), rows, height=max(60, 40 * len(models)))
