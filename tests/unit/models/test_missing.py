"""Values of nullable inputs may be missing: in requests, in the feature store, in files and in the baseline."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from pydantic import ValidationError
from support.nullable import INPUTS, WHOLE, make_nullable_package, nullable_graph

import slipway
from slipway.errors import InputError, PackageError
from slipway.models.gates.labelled import read_labelled
from slipway.models.measurements.sampling import sample_records
from slipway.models.missing_values import missing_text
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor
from slipway.models.schema import RequestRecord, record_model

ENTITIES = {"weather": "airport"}


@pytest.fixture
def flights(tmp_path: Path) -> Package:
    """A package of `nullable_graph`."""
    return make_nullable_package(tmp_path / "flights", nullable_graph(), INPUTS)


@pytest.fixture
def record(flights: Package) -> type[RequestRecord]:
    return record_model(flights.manifest, ENTITIES, text_characters=50)


@pytest.mark.parametrize("given", [{"seats": None}, {}, {"seats": math.nan}])
def test_null_absent_and_nan_are_a_missing_value(record: type[RequestRecord], given: dict[str, Any]) -> None:
    read = record.model_validate({"wind": 1.0, "carrier": "UA", "distance": 1.0, **given})
    assert read.complete() == {"wind": 1.0, "seats": None, "carrier": "UA", "distance": 1.0}


def test_nan_in_the_json_of_a_request_is_a_missing_value(record: type[RequestRecord]) -> None:
    read = record.model_validate_json('{"wind": NaN, "seats": NaN, "carrier": null, "distance": 1}')
    assert read.complete() == {"wind": None, "seats": None, "carrier": None, "distance": 1.0}


def test_a_data_frames_whole_floats_are_integers_where_values_may_be_missing(record: type[RequestRecord]) -> None:
    read = record.model_validate({**WHOLE, "seats": 120.0}).complete()
    assert read["seats"] == 120
    assert type(read["seats"]) is int
    with pytest.raises(ValidationError):
        record.model_validate({**WHOLE, "seats": 120.5})


@pytest.mark.parametrize(
    "wrong", [{"distance": None}, {"distance": math.nan}, {"wind": math.inf}, {"wind": -1.0}, {"carrier": "XX"}]
)
def test_other_wrong_values_are_still_refused(record: type[RequestRecord], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as error:
        record.model_validate({**WHOLE, **wrong})
    assert [details["loc"] for details in error.value.errors()] == [(next(iter(wrong)),)]


def test_an_input_that_is_not_nullable_is_still_required(record: type[RequestRecord]) -> None:
    with pytest.raises(ValidationError, match="distance"):
        record.model_validate({"wind": 1.0})


@pytest.mark.parametrize("stored", [{}, {"weather": {}}, {"weather": {"other": 1.0}}])
def test_a_row_that_lacks_the_feature_or_is_not_there_is_a_missing_value(
    record: type[RequestRecord], stored: dict[str, Any]
) -> None:
    read = record.model_validate({"airport": "JFK", "distance": 1.0})
    assert read.to_fetch() == {"weather": "JFK"}
    assert read.complete(stored)["wind"] is None


def test_a_null_in_the_request_is_not_read_from_the_store(record: type[RequestRecord]) -> None:
    read = record.model_validate({"wind": None, "distance": 1.0})
    assert read.to_fetch() == {}
    assert read.complete({"weather": {"wind": 4.0}})["wind"] is None


def test_a_stored_value_counts_and_keeps_to_its_limits(record: type[RequestRecord]) -> None:
    read = record.model_validate({"airport": "JFK", "distance": 1.0})
    assert read.complete({"weather": {"wind": 4.0}})["wind"] == 4.0
    with pytest.raises(InputError, match="from the feature store"):
        read.complete({"weather": {"wind": 400.0}})


def test_the_schema_says_that_values_may_be_missing(record: type[RequestRecord]) -> None:
    schema = record.model_json_schema()
    wind, carrier = schema["properties"]["wind"], schema["properties"]["carrier"]
    assert (wind["type"], wind["minimum"], wind["maximum"]) == (["number", "null"], 0, 200)
    assert (carrier["type"], carrier["enum"]) == (["string", "null"], ["AA", "UA", None])
    assert "default" not in wind
    assert schema["required"] == ["distance"]


def test_the_graph_gets_nan_and_an_empty_text(flights: Package) -> None:
    predictor = Predictor(flights)
    assert predictor.predict([WHOLE, dict.fromkeys(WHOLE), {**WHOLE, "carrier": None}, {**WHOLE, "wind": None}]) == [
        {"value": 0.0},
        {"value": 4.0},
        {"value": 1.0},
        {"value": 1.0},
    ]


def test_a_loaded_model_takes_what_pandas_holds(flights: Package) -> None:
    model = slipway.load(flights.folder)
    rows = [{**WHOLE, "wind": float("nan"), "seats": np.nan}, {"distance": 1.0}]
    assert [output["value"] for output in model.predict(rows)] == [2.0, 3.0]


def test_a_matrix_takes_missing_numbers(tmp_path: Path) -> None:
    weights = numpy_helper.from_array(np.array([[1.0], [1.0]], np.float32), "w")
    nodes = [
        helper.make_node("IsNaN", ["x"], ["n"]),
        helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["f", "w"], ["value"]),
    ]
    info = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes, "g", [info("x", TensorProto.FLOAT, ["n", 2])], [info("value", TensorProto.FLOAT, ["n", 1])], [weights]
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    package = make_nullable_package(tmp_path / "matrix", model, INPUTS[:2])
    assert Predictor(package).predict([{"wind": None, "seats": 3}]) == [{"value": 1.0}]


def test_a_graph_of_integers_has_no_missing_value(tmp_path: Path) -> None:
    model = nullable_graph()
    model.graph.input[1].type.tensor_type.elem_type = TensorProto.INT64
    del model.graph.node[3:5]
    model.graph.node.insert(0, helper.make_node("Cast", ["seats"], ["no_seats"], to=TensorProto.FLOAT))
    package = make_nullable_package(tmp_path / "integers", model, INPUTS)
    with pytest.raises(PackageError, match="seats: is nullable, but the graph's seats is int64"):
        Predictor(package)


def test_the_baseline_counts_what_is_missing(flights: Package) -> None:
    inputs = flights.baseline.inputs
    assert {name: summary.missing for name, summary in inputs.items()} == {
        "wind": 0.5,
        "seats": 0.5,
        "carrier": 0.0,
        "distance": None,
    }
    assert inputs["wind"].count == 2
    assert "missing" not in json.loads((flights.folder / "baseline.json").read_text())["inputs"]["distance"]


def test_records_made_from_the_baseline_lack_as_many_values(flights: Package) -> None:
    records = sample_records(flights, 40)
    assert sum(record["wind"] is None for record in records) == 20
    assert all(record["distance"] is not None for record in records)


def test_labelled_records_may_lack_values(flights: Package, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("wind,seats,carrier,distance,label\n,nan,,1,0\nNA,NULL,UA,2,1\n")
    records = read_labelled(path, flights.manifest).records
    assert records == [
        {"wind": None, "seats": None, "carrier": None, "distance": 1.0},
        {"wind": None, "seats": None, "carrier": "UA", "distance": 2.0},
    ]
    lines = tmp_path / "rows.jsonl"
    lines.write_text('{"wind": null, "seats": NaN, "distance": 1, "label": 0}\n')
    assert read_labelled(lines, flights.manifest).records == records[:1]


def test_labelled_records_need_the_other_values(flights: Package, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("wind,seats,carrier,distance,label\n1,2,AA,,0\n")
    with pytest.raises(InputError, match="distance"):
        read_labelled(path, flights.manifest)


@pytest.mark.parametrize("text", ["", "nan", "NaN", "NA", "null", " None "])
def test_words_for_missing_numbers(text: str) -> None:
    from slipway.config import FeatureType

    assert missing_text(FeatureType.FLOAT, text)
    assert missing_text(FeatureType.STRING, text) is (text == "")
