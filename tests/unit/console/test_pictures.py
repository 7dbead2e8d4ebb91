"""The pictures are what Vega-Lite's own schema allows, and say in their tables what they draw."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest

from slipway.console.charts import Chart
from slipway.console.pictures.accuracy import LABELLED, over_time
from slipway.console.pictures.drift import MOST_COLUMNS, beside, effects, shown_cells, word
from slipway.console.pictures.life import PREDICTED, TRUE, life
from slipway.console.pictures.weights import ModelWeights, weights
from slipway.monitoring.accuracy.measured import Measured
from slipway.monitoring.accuracy.summary import Part, Summary
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.drift.findings import ColumnDrift
from slipway.monitoring.drift.report import Line, Verdict
from slipway.monitoring.entities.index import IndexedPrediction
from slipway.monitoring.entities.life import Chapter
from slipway.statistics.intervals import Interval

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOSTILE = '"><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def schema() -> jsonschema_rs.Validator:
    file = ROOT / "node_modules" / "vega-lite" / "build" / "vega-lite-schema.json"
    # Its references have characters that URIs may only have encoded.
    return jsonschema_rs.validator_for(json.loads(file.read_text(encoding="utf-8"), object_hook=_encoded))


def _encoded(node: dict[str, Any]) -> dict[str, Any]:
    return {
        name: quote(value, safe="#/") if name == "$ref" and isinstance(value, str) else value
        for name, value in node.items()
    }


def column(name: str = "inputs.age", effect: float = 0.2, cells: int = 4) -> ColumnDrift:
    expected = tuple(1 / cells for _ in range(cells))
    found = (0.7, *(0.3 / (cells - 1) for _ in range(cells - 1)))
    return ColumnDrift(
        name, "categories", effect, 0.1, 100, tuple(f"c{each}" for each in range(cells)), expected, found
    )


def part(hour: int, *, labelled: Measured | None = None, estimated: bool = True) -> Part:
    interval = Interval(0.9, 0.85, 0.95) if estimated else None
    return Part((NOW + timedelta(hours=hour)).isoformat(), 120.0, interval, labelled)


def summary(*hours: Part, reference: float | None = 0.93) -> Summary:
    least = None if reference is None else reference - 0.05
    return Summary(240.0, reference, None, least, None, None, None, 0, None, hours, {}, ())


MEASURED = Measured("accuracy", 12, 0.8, None, Interval(0.8, 0.6, 0.95), "records")
ERROR = Measured("mean absolute error", 12, 3.5, None, None, "records")


def chapter(minute: int, outputs: dict[str, Any], feedback: dict[str, Any] | None = None) -> Chapter:
    time = int((NOW + timedelta(minutes=minute)).timestamp() * 1000)
    made = IndexedPrediction(Subject("user", "u1"), f"id{minute}", "tweets", 1, time, {}, outputs, NOW)
    return Chapter(made, feedback or {})


CHARTS: dict[str, Any] = {
    "effects": effects([Line(column(), Verdict(NOW, 1.0)), Line(column("outputs.label", 0.01))], 0.1),
    "no columns": effects([], 0.1),
    "beside": beside(column(), "baseline"),
    "accuracy": over_time(summary(part(0), part(1, labelled=MEASURED))),
    "labels alone": over_time(summary(part(0, labelled=MEASURED, estimated=False), reference=None)),
    "weights": weights([ModelWeights("tweets", 1, {1: 0.9, 2: 0.1}), ModelWeights("price", 3, {3: 1.0})]),
    "labels": life([chapter(0, {"label": "negative", "score": 0.9}, {"label": "positive"})], ("negative", "positive")),
    "values": life([chapter(0, {"value": 1.5}, {"value": 2}), chapter(1, {"value": 3.0})]),
    "nothing": life([]),
    "hostile": effects([Line(column(HOSTILE))], 0.1),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_picture_is_what_the_schema_allows(schema: jsonschema_rs.Validator, name: str) -> None:
    chart = CHARTS[name]
    assert [error.message[:300] for error in schema.iter_errors(json.loads(chart.json))] == []


@pytest.mark.parametrize("name", CHARTS)
def test_the_table_has_a_cell_for_each_column(name: str) -> None:
    chart = CHARTS[name]
    assert {len(row) for row in chart.rows} <= {len(chart.columns)}


def test_the_schema_refuses_a_picture_that_is_none(schema: jsonschema_rs.Validator) -> None:
    broken = Chart("", {"data": {"values": []}, "mark": "no such mark"}, (), ())
    assert not schema.is_valid(json.loads(broken.json))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (Line(column(), Verdict(NOW, 1.0)), "drifted"),
        (Line(column(), Verdict(None, 0.4)), "large"),
        (Line(column(effect=0.05), Verdict(None, 0.4)), "small"),
        (Line(column(), ignored=True), "ignored"),
        (Line(column()), "large"),
    ],
)
def test_a_column_has_one_word(line: Line, expected: str) -> None:
    assert word(line, 0.1) == expected


def test_the_columns_that_moved_most_are_drawn() -> None:
    chart = effects([Line(column(f"inputs.{place}")) for place in range(50)], 0.1)
    assert [row[0] for row in chart.rows] == [f"inputs.{place}" for place in range(MOST_COLUMNS)]


def test_of_many_cells_those_that_moved_most_are_drawn_in_their_order() -> None:
    cells = shown_cells(column(cells=100))
    assert len(cells) == 24
    assert cells == sorted(cells)
    assert cells[0] == 0  # it has moved most


def test_baseline_and_window_stand_beside_each_other() -> None:
    chart = beside(column(), "the baseline")
    assert chart.columns == ("cell", "the baseline", "now")
    assert chart.rows[0] == ("c0", "25.0%", "70.0%")
    values = json.loads(chart.json)["data"]["values"]
    assert values[:2] == [
        {"cell": "c0", "share": 0.25, "of": "the baseline"},
        {"cell": "c0", "share": 0.7, "of": "now"},
    ]


def test_accuracy_has_its_intervals_and_what_it_may_fall_to() -> None:
    spec = json.loads(CHARTS["accuracy"].json)
    first, second = spec["data"]["values"]
    assert (first["estimated_low"], first["estimated_high"], first["labelled"]) == (0.85, 0.95, None)
    assert (second["labelled"], second["known_low"], second["labels"]) == (0.8, 0.6, 12)
    rules = spec["layer"][-1]["data"]["values"]
    assert [each["of"] for each in rules] == ["on validation records", "may fall to"]
    assert LABELLED in json.dumps(spec)
    assert CHARTS["accuracy"].rows[1][4:] == ("12", "0.800", "0.600 to 0.950")


def test_the_error_of_a_regression_is_no_accuracy() -> None:
    assert over_time(summary(part(0, labelled=ERROR, estimated=False), reference=None)) is None
    assert over_time(summary()) is None
    both = over_time(summary(part(0), part(1, labelled=ERROR)))
    assert both is not None
    assert json.loads(both.json)["data"]["values"][1]["labelled"] is None
    assert both.rows[1][5] == "mean absolute error 3.5"


def test_nothing_is_drawn_of_what_no_hour_has() -> None:
    labels = json.loads(CHARTS["labels alone"].json)
    assert len(labels["layer"]) == 2
    assert "estimated_low" not in json.dumps(labels["layer"])


def test_a_life_has_predictions_and_what_was_true() -> None:
    chart = CHARTS["labels"]
    assert [(row[2], row[3]) for row in chart.rows] == [(PREDICTED, "negative"), (TRUE, "positive")]
    levels = json.loads(chart.json)["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert levels == ["positive", "negative"]  # the first label is at the bottom


def test_weights_say_which_version_is_stable() -> None:
    assert CHARTS["weights"].rows[:2] == (
        ("tweets", "version 1", "stable", "90.0%"),
        ("tweets", "version 2", "candidate", "10.0%"),
    )
