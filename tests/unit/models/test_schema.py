import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from support.packages import make_tabular_package, manifest_document

from slipway.config.validation import field_problems
from slipway.errors import ConfigError, InputError, PackageError
from slipway.models.manifest import Manifest
from slipway.models.package import Package
from slipway.models.schema import RequestRecord, record_model

ENTITIES = {"tumour": "patient", "habits": "patient", "ward": "clinic-ward"}
WHOLE = {"radius": 1.0, "smooth": 0.25, "age": 3}


def _manifest(*inputs: dict[str, Any]) -> Manifest:
    files = [{"path": path, "bytes": 0, "sha256": "0" * 64} for path in ("m.onnx", "README.md", "baseline.json")]
    graph = {"file": "m.onnx", "inputs": ["x"], "outputs": ["y"]}
    document = manifest_document("a-model", 2, "tabular-regression")
    return Manifest.model_validate({**document, "inputs": list(inputs), "graph": graph, "files": files})


def _model(*inputs: dict[str, Any], text_characters: int = 50) -> type[RequestRecord]:
    return record_model(_manifest(*inputs), ENTITIES, text_characters=text_characters)


def _problems(model: type[RequestRecord], record: object) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as error:
        model.model_validate(record)
    return [(problem.field, problem.message) for problem in field_problems(error.value, prefix="inputs[0]")]


@pytest.fixture
def tabular(tabular_package: Package) -> type[RequestRecord]:
    return record_model(tabular_package.manifest, ENTITIES, text_characters=50)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ({"type": "float"}, [1, 0.5, -3e38], [True, "1", None, math.nan, math.inf, -math.inf, 3.5e38, [1], 10**400]),
        ({"type": "float", "min": 0, "max": 2.5}, [0, 2.5], [-0.001, 2.6]),
        ({"type": "integer"}, [0, -(2**63), 2**63 - 1], [True, 1.0, "1", None, 2**63, math.nan]),
        ({"type": "integer", "min": 0.5, "max": 2.5}, [1, 2], [0, 3]),
        ({"type": "boolean"}, [True, False], [0, 1, "true", None]),
        ({"type": "string"}, ["", "a" * 50, "ü€𝄞"], ["a" * 51, 1, None, b"a", "\ud800"]),
        ({"type": "string", "max_characters": 3}, ["abc"], ["abcd"]),
        ({"type": "string", "allowed": ["a", "b"]}, ["a", "b"], ["c", "", 1]),
        ({"type": "integer", "allowed": [1, 2]}, [1, 2], [3, True, 1.0]),
        ({"type": "float", "allowed": [0.5, 1]}, [0.5, 1], [0.7, True]),
    ],
)
def test_values_keep_to_the_manifest(field: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    model = _model({"name": "x", **field})
    for value in good:
        record = model.model_validate({"x": value}).complete()
        assert record == {"x": value}
        assert type(record["x"]) is (float if field["type"] == "float" else type(value))
    for value in bad:
        assert [field for field, _ in _problems(model, {"x": value})] == ["inputs[0].x"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ({"type": "float", "min": 0}, -1, "must be at least 0 (got -1)"),
        ({"type": "integer", "max": 9}, 10, "must be at most 9 (got 10)"),
        ({"type": "float"}, math.nan, "must be a finite number (got NaN)"),
        ({"type": "string", "allowed": ["a", "b"]}, "c", "must be one of 'a', 'b' (got \"c\")"),
        ({"type": "string", "max_characters": 3}, "abcd", "must have at most 3 characters"),
    ],
)
def test_messages_say_what_would_be_right(field: dict[str, Any], value: object, message: str) -> None:
    assert _problems(_model({"name": "x", **field}), {"x": value}) == [("inputs[0].x", message)]


def test_a_missing_and_an_unknown_field_are_named() -> None:
    model = _model({"name": "x", "type": "float"}, {"name": "y", "type": "float"})
    assert _problems(model, {"y": 1, "z": 1}) == [
        ("inputs[0].x", "is required"),
        ("inputs[0].z", "is not a known field"),
    ]


def test_defaults_fill_what_the_request_leaves_out() -> None:
    model = _model({"name": "x", "type": "float", "default": 1}, {"name": "y", "type": "boolean", "default": False})
    record = model.model_validate({}).complete()
    assert record == {"x": 1.0, "y": False}
    assert type(record["x"]) is float
    assert model.model_validate({"x": 2}).complete() == {"x": 2.0, "y": False}


def test_a_default_keeps_to_the_limits_too() -> None:
    with pytest.raises(PackageError, match=r"a-model/2/model.yaml: inputs.x.default: must be at most 3"):
        _model({"name": "x", "type": "float", "max": 3, "default": 4})
    with pytest.raises(PackageError, match=r"inputs.x.default: must be an integer"):
        _model({"name": "x", "type": "integer", "default": "4"})


@pytest.mark.parametrize(
    "name", ["copy", "json", "schema", "dict", "model_fields", "given", "plan", "complete", "self"]
)
def test_any_feature_name_will_do(name: str) -> None:
    model = _model({"name": name, "type": "integer"}, {"name": "input_0", "type": "integer"})
    assert model.model_validate({name: 1, "input_0": 2}).complete() == {name: 1, "input_0": 2}


def test_attribute_names_are_no_way_in() -> None:
    assert _problems(_model({"name": "x", "type": "integer"}), {"x": 1, "input_0": 2}) == [
        ("inputs[0].input_0", "is not a known field")
    ]


def test_a_record_names_its_entity_or_gives_every_feature(tabular: type[RequestRecord]) -> None:
    needed = "is required, because the record does not have radius and 1 more"
    assert _problems(tabular, {"age": 3}) == [("inputs[0].patient", needed)]
    assert _problems(tabular, {"age": 3, "radius": 1}) == [
        ("inputs[0].patient", "is required, because the record does not have smooth")
    ]
    assert tabular.model_validate({"age": 3, "patient": "p1"}).to_fetch() == {"tumour": "p1"}
    assert tabular.model_validate({"age": 3, "patient": "p1", "radius": 1}).to_fetch() == {"tumour": "p1"}
    whole = tabular.model_validate(WHOLE)
    assert whole.to_fetch() == {}
    assert whole.complete() == WHOLE


@pytest.mark.parametrize("value", ["", 3, None, "p" * 257, "\ud800"])
def test_an_entity_id_is_a_short_string(tabular: type[RequestRecord], value: object) -> None:
    assert [field for field, _ in _problems(tabular, {"age": 3, "patient": value})] == ["inputs[0].patient"]


def test_each_group_is_fetched_for_its_entity() -> None:
    model = _model(
        {"name": "a", "type": "float", "group": "tumour"},
        {"name": "b", "type": "float", "group": "habits"},
        {"name": "c", "type": "float", "group": "ward"},
    )
    record = model.model_validate({"patient": "p1", "clinic-ward": "w1"})
    assert record.to_fetch() == {"tumour": "p1", "habits": "p1", "ward": "w1"}
    assert model.model_validate({"patient": "p1", "c": 1}).to_fetch() == {"tumour": "p1", "habits": "p1"}
    assert _problems(model, {"patient": "p1"}) == [
        ("inputs[0].clinic-ward", "is required, because the record does not have c")
    ]


def test_the_request_goes_before_the_store_and_the_store_before_the_default(tabular: type[RequestRecord]) -> None:
    record = tabular.model_validate({"age": 3, "patient": "p1", "radius": 1})
    assert record.complete({"tumour": {"radius": 9, "smooth": 0.75}}) == {"radius": 1, "smooth": 0.75, "age": 3}
    assert record.complete({"tumour": {}}) == {"radius": 1, "smooth": 0.5, "age": 3}
    assert record.complete({}) == {"radius": 1, "smooth": 0.5, "age": 3}


def test_a_feature_counts_in_its_own_group_only(tabular: type[RequestRecord]) -> None:
    record = tabular.model_validate({"age": 3, "patient": "p1"})
    with pytest.raises(InputError, match=r"inputs\[1\].radius: is not in feature group tumour of patient 'p1'"):
        record.complete({"habits": {"radius": 1.0}}, prefix="inputs[1]")


def test_a_stored_integer_may_stand_for_a_float(tabular: type[RequestRecord]) -> None:
    value = tabular.model_validate({"age": 3, "patient": "p1"}).complete({"tumour": {"radius": 9}})["radius"]
    assert (value, type(value)) == (9.0, float)


@pytest.mark.parametrize("value", [-1, 101, "9", True, math.nan])
def test_stored_values_keep_to_the_manifest(tabular: type[RequestRecord], value: Any) -> None:
    record = tabular.model_validate({"age": 3, "patient": "p1"})
    with pytest.raises(InputError, match=r"^inputs\[7\].radius: must be .*; the value is from the feature store$"):
        record.complete({"tumour": {"radius": value}}, prefix="inputs[7]")


def test_stored_features_that_the_model_does_not_take_are_left(tabular: type[RequestRecord]) -> None:
    record = tabular.model_validate({"age": 3, "patient": "p1"})
    assert record.complete({"tumour": {"radius": 1, "colour": "red"}}) == {"radius": 1, "smooth": 0.5, "age": 3}


def test_an_undefined_group_is_a_fault_of_the_configuration(tabular_package: Package) -> None:
    with pytest.raises(ConfigError, match=r"features.tumour: is not defined, but tiny-tabular 1 reads inputs from it"):
        record_model(tabular_package.manifest, {}, text_characters=9)


def test_an_entity_cannot_have_the_name_of_an_input(tabular_package: Package) -> None:
    with pytest.raises(ConfigError, match=r"features.tumour.entity: is also the name of an input of tiny-tabular 1"):
        record_model(tabular_package.manifest, {"tumour": "age"}, text_characters=9)


def test_json_schema_says_what_is_checked(tmp_path: Path) -> None:
    fields = [
        {"name": "radius", "type": "float", "group": "tumour", "min": 0, "description": "In millimetres"},
        {"name": "grade", "type": "integer", "allowed": [1, 2], "default": 1},
    ]
    package = make_tabular_package(tmp_path / "p", fields=fields)
    schema = record_model(package.manifest, ENTITIES, text_characters=9).model_json_schema()
    radius, grade, patient = (schema["properties"][name] for name in ("radius", "grade", "patient"))
    assert (radius["type"], radius["minimum"], radius["description"]) == ("number", 0, "In millimetres")
    assert "default" not in radius
    assert (grade["enum"], grade["default"]) == ([1, 2], 1)
    assert (patient["type"], patient["minLength"]) == ("string", 1)
    assert patient["description"].startswith("The patient to fetch tumour for")
    assert "required" not in schema
    assert schema["additionalProperties"] is False


def test_problems_in_a_list_carry_their_index(tabular: type[RequestRecord]) -> None:
    records = TypeAdapter(list[tabular])  # type: ignore[valid-type]  # made when the test runs
    with pytest.raises(ValidationError) as error:
        records.validate_python([WHOLE, {"age": 3}, {**WHOLE, "age": -1}])
    found = [problem.field for problem in field_problems(error.value, prefix="inputs")]
    assert found == ["inputs[1].patient", "inputs[2].age"]


# Any code point, surrogates too. `st.text()` without an alphabet first tabulates Unicode, which takes over a second.
TEXTS = st.text(st.integers(0, sys.maxunicode).map(chr), max_size=20)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def three_inputs() -> type[RequestRecord]:
    return _model(
        {"name": "radius", "type": "float", "group": "tumour", "default": 1},
        {"name": "smooth", "type": "boolean", "default": True},
        {"name": "age", "type": "integer", "min": 0},
    )


@given(record=st.dictionaries(st.sampled_from(["radius", "smooth", "age", "patient", "x"]), JSON_VALUES))
def test_any_record_is_whole_or_refused(three_inputs: type[RequestRecord], record: dict[str, Any]) -> None:
    try:
        whole = three_inputs.model_validate(record).complete()
    except ValidationError as error:
        problems = field_problems(error, prefix="inputs[0]")
    else:
        problems = []
        assert whole.keys() == {"radius", "smooth", "age"}
        json.dumps(whole, allow_nan=False)
    assert all(problem.field.startswith("inputs[0]") for problem in problems)
