"""A picture of an entity's life: what was predicted of it, in the order of time."""

from collections.abc import Mapping, Sequence
from typing import Any

from slipway.console.charts import Chart, cell
from slipway.console.pictures.silent import SILENT
from slipway.monitoring.entities.life import Chapter

_TIME = {
    "field": "time",
    "type": "temporal",
    "title": None,
    "scale": {"type": "utc"},
    "axis": {"grid": False, "tickCount": 6},
}


def life(chapters: Sequence[Chapter], labels: Sequence[str] = ()) -> Chart:
    """Labels as steps between levels, in the order of ``labels``; values as a line; one series for each version.

    What was answered to a person later, the label of feedback, is a point of its own shape.
    """
    points = [point for each in chapters for point in _points(each)]
    is_label = all(isinstance(point["answer"], str) for point in points)
    rows = tuple(
        (point["time"], point["of"], point["said"], cell(point["answer"]), cell(point["score"])) for point in points
    )
    spec = _of_labels(points, labels) if is_label else _of_values(points)
    count = len({point["time"] for point in points})
    label = f"{count} predictions in the order of time"
    return Chart(label, spec, ("time", "model", "", "answer", "score"), rows, height=160)


PREDICTED, TRUE = "predicted", "true answer"


def _points(chapter: Chapter) -> list[dict[str, Any]]:
    made = chapter.prediction
    common = {"time": made.made_at.isoformat(timespec="milliseconds"), "of": f"{made.model} {made.version}"}
    found = []
    for said, answer, score in (
        (PREDICTED, answer_of(made.outputs), made.outputs.get("score")),
        (TRUE, answer_of(chapter.feedback), None),
    ):
        if answer is not None:
            kept = score if isinstance(score, int | float) and not isinstance(score, bool) else None
            found.append({**common, "said": said, "answer": answer, "score": kept})
    return found


def answer_of(outputs: Mapping[str, Any]) -> str | float | None:
    """The label or the value of an answer; several labels as one text; None for anything else."""
    label, value, labels = outputs.get("label"), outputs.get("value"), outputs.get("labels")
    if isinstance(label, str):
        return label
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(labels, list) and all(isinstance(each, str) for each in labels):
        return ", ".join(labels) or "none"
    return None


def _of_labels(points: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> dict[str, Any]:
    seen = dict.fromkeys([*labels, *(point["answer"] for point in points)])
    levels = {"field": "answer", "type": "nominal", "title": None, "scale": {"domain": list(reversed(seen))}}
    legend = {"symbolFillColor": "gray", "symbolStrokeColor": "gray"}  # visible in the light and in the dark
    domain = {"domain": [PREDICTED, TRUE]}
    shape = {"field": "said", "type": "nominal", "title": None, "scale": domain, "legend": legend}
    return {
        **SILENT,
        "data": {"values": list(points)},
        "layer": [
            {
                "transform": [{"filter": {"field": "said", "equal": PREDICTED}}],
                "mark": {"type": "line", "interpolate": "step-after", "opacity": 0.5},
                "encoding": {"x": _TIME, "y": levels},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70},
                "encoding": {
                    "x": _TIME,
                    "y": levels,
                    "shape": shape,
                    "color": {"field": "of", "type": "nominal", "title": None},
                },
            },
        ],
    }


def _of_values(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    numbers = [point for point in points if isinstance(point["answer"], float)]
    return {
        **SILENT,
        "data": {"values": numbers},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": _TIME,
            "y": {"field": "answer", "type": "quantitative", "title": None, "scale": {"zero": False}},
            "color": {"field": "of", "type": "nominal", "title": None},
            "strokeDash": {"field": "said", "type": "nominal", "title": None, "scale": {"domain": [PREDICTED, TRUE]}},
        },
    }
