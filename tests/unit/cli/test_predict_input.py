"""Files of `slipway predict`: columns that the model does not take, missing values, and many records."""

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.cli import main
from slipway.cli.predict_input import Described, Placed, calls

PREDICT = "POST /v1/models/flights/predict"
INPUTS = [
    {"name": "carrier", "type": "string"},
    {"name": "distance", "type": "float"},
    {"name": "wind", "type": "float", "group": "weather", "nullable": True},
    {"name": "seats", "type": "integer", "nullable": True, "default": 100},
]
FIELDS = {name: {} for name in ("carrier", "distance", "wind", "seats", "airport")}
DESCRIPTION = {
    "release": {"stable": 1},
    "limits": {"records": 2, "characters": 10},
    "versions": [{"version": 1, "inputs": INPUTS, "record_schema": {"properties": FIELDS}}, {"version": 2}],
}
HEADER = "time,carrier,distance,wind,seats,label\n"


@pytest.fixture
def api(fake_api):
    fake_api.answers["GET /v1/models/flights"] = (200, DESCRIPTION)
    answer = {"model": "flights", "predictions": [{"id": "flights.1.a", "version": 1, "label": "late", "score": 0.9}]}
    fake_api.answers[PREDICT] = fake_api.answers["POST /v1/models/flights/versions/2/predict"] = (200, answer)
    return fake_api


@pytest.fixture
def predict(api, monkeypatch, tmp_path: Path):
    def predict(content: str, *options: str, name: str = "flights.csv") -> int:
        (tmp_path / name).write_text(content, encoding="utf-8")
        arguments = ["slipway", "predict", "flights", "--input", str(tmp_path / name), *options]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return predict


def sent(api) -> list[list[dict[str, Any]]]:
    return [call[2]["inputs"] for call in api.calls if call[0] == "POST"]


def test_columns_that_the_model_does_not_take_are_named_with_the_options_that_leave_them_out(api, predict, capsys):
    assert predict(HEADER + "8:00,AA,100,1,,late\n") == 1
    said = capsys.readouterr().err
    assert "flights.csv has 2 columns that flights 1 does not take: time, label" in said
    assert "--ignore time --ignore label" in said
    assert sent(api) == []
    assert predict(HEADER + "8:00,AA,100,1,,late\n", "--ignore", "time", "--ignore", "label") == 0
    assert sent(api) == [[{"carrier": "AA", "distance": 100.0, "wind": 1.0}]]


def test_a_mistyped_column_is_shown_what_was_probably_meant(api, predict, capsys):
    assert predict("carrier,distanse,my label\nAA,1,x\n") == 1
    said = capsys.readouterr().err
    assert "distanse (did you mean 'distance'?)" in said
    assert "--ignore distanse --ignore 'my label'" in said
    assert predict("carrier,distance\nAA,1\n", "--ignore", "carier") == 1
    assert "flights.csv has no column 'carier' (did you mean 'carrier'?)" in capsys.readouterr().err


def test_records_of_json_lines_are_told_the_same(api, predict, capsys):
    lines = '{"carrier": "AA", "distance": 1}\n{"carrier": "AA", "distance": 1, "label": "late"}\n'
    assert predict(lines, name="flights.jsonl") == 1
    assert "flights.jsonl has 1 column that flights 1 does not take: label" in capsys.readouterr().err
    assert predict(lines, "--ignore", "label", name="flights.jsonl") == 0
    assert sent(api) == [[{"carrier": "AA", "distance": 1}] * 2]


def test_ignore_is_for_files(api, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["slipway", "predict", "flights", "carrier=AA", "--ignore", "label"])
    with pytest.raises(SystemExit):
        main()
    assert "--ignore: is for the columns of a file" in capsys.readouterr().err
    assert api.calls == []


@pytest.mark.parametrize("empty", ["", "NA", "null"])
def test_an_empty_cell_of_a_nullable_input_is_a_missing_value(api, predict, empty: str):
    assert predict(f"airport,carrier,distance,wind,seats\nJFK,AA,1,{empty},{empty}\n") == 0
    # Not absent, or the wind would be taken from the feature store; the seats have a default.
    assert sent(api) == [[{"airport": "JFK", "carrier": "AA", "distance": 1.0, "wind": None}]]


def test_an_empty_cell_of_another_input_is_an_absent_field(api, predict):
    assert predict("carrier,distance\nAA,\n") == 0
    assert sent(api) == [[{"carrier": "AA"}]]


def test_more_records_than_a_request_takes_are_sent_in_several(api, predict, capsys):
    assert predict("carrier,distance\n" + "AA,1\n" * 5, "--json") == 0
    assert [len(part) for part in sent(api)] == [2, 2, 1]
    answer = json.loads(capsys.readouterr().out)
    assert (answer["model"], len(answer["predictions"])) == ("flights", 3)


def test_a_refusal_names_the_record_of_the_file_and_not_of_the_call(api, predict, capsys):
    problem = {"title": "Invalid input", "errors": [{"field": "inputs[0].carrier", "message": "is missing"}]}
    api.answers[PREDICT] = (422, problem)
    assert predict("carrier,distance\nAAAAAAAAAAA,1\n") == 1
    assert "flights.csv record 1 (line 2), carrier: is missing" in capsys.readouterr().err


def test_a_version_that_the_api_has_only_by_number_is_sent_all_columns(api, predict):
    assert predict("carrier,label\nAA,late\n", "--version", "2") == 0
    assert sent(api) == [[{"carrier": "AA", "label": "late"}]]


@given(
    st.lists(st.integers(min_value=0, max_value=12), min_size=1, max_size=40),
    st.integers(min_value=1, max_value=9),
    st.integers(min_value=1, max_value=20),
)
def test_calls_are_whole_in_order_and_within_the_limits(lengths: list[int], most: int, characters: int) -> None:
    records = [Placed({"text": "x" * length, "number": 1}, str(at)) for at, length in enumerate(lengths)]
    parts = list(calls(records, Described("m 1", {}, frozenset(), most, characters)))
    assert [each for part in parts for each in part] == records
    for part in parts:
        assert 1 <= len(part) <= most
        assert sum(each.characters for each in part) <= characters or len(part) == 1
    # No call could have taken the first record of the next one.
    for part, after in pairwise(parts):
        assert len(part) == most or sum(each.characters for each in (*part, after[0])) > characters
