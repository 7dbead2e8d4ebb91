"""Records are validated in JavaScript by the rules and in the words of Python."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from support.edge.exports import ROOT, answers_in_node, entered_in_node, export, needs_node
from support.golden import with_golden
from support.packages import make_tabular_package, make_text_package
from support.several import make_labels_package, make_values_package

from slipway.errors import InputError
from slipway.models.embedded import load
from slipway.models.package import Package, load_package

pytestmark = needs_node
FLIGHTS = load_package(ROOT / "models/flight-delay/2")
GOOD = {
    "carrier": "B6",
    "origin": "JFK",
    "destination": "SJU",
    "departure": 435,
    "arrival": 726,
    "weekday": 6,
    "distance": 1598.0,
}
WRONG: list[Any] = [
    {},
    "no record",
    None,
    {**GOOD, "weekday": 9},
    {**GOOD, "weekday": 0},
    {**GOOD, "weekday": 2.5},
    {**GOOD, "weekday": "2"},
    {**GOOD, "weekday": True},
    {**GOOD, "weekday": None},
    {**GOOD, "distance": -0.5},
    {**GOOD, "distance": "far"},
    {**GOOD, "distance": True},
    {**GOOD, "origin": "LAX"},
    {**GOOD, "origin": 5},
    {**GOOD, "carrier": None},
    {**GOOD, "carrier": ["B6"]},
    {**GOOD, "colour": "red"},
    {**GOOD, "humidity": 101.5, "pressure": 5000.5},
    {**GOOD, "humidity": "x" * 100},
]
RIGHT: list[dict[str, Any]] = [
    GOOD,
    {**GOOD, "humidity": None},
    {**GOOD, "humidity": 50},
    {**GOOD, "carrier": "a category that no one has seen"},
]


def _problems(package: Package, batch: list[Any]) -> list[dict[str, str]]:
    with pytest.raises(InputError) as error:
        load(package.folder).predict(batch)
    return [{"field": each.field, "message": each.message} for each in error.value.problems]


def test_what_is_wrong_is_named_by_field_in_the_same_words(tmp_path: Path) -> None:
    batches = [*([record] for record in WRONG), [GOOD, {**GOOD, "weekday": 9}]]
    found = answers_in_node(export(FLIGHTS, tmp_path / "web"), batches)
    assert [each["problems"] for each in found] == [_problems(FLIGHTS, batch) for batch in batches]
    assert {each["error"] for each in found} == {"InputError"}


def test_missing_values_and_whole_floats_are_taken(tmp_path: Path) -> None:
    (found,) = answers_in_node(export(FLIGHTS, tmp_path / "web"), [RIGHT])
    assert found["answers"] == load(FLIGHTS.folder).predict(RIGHT)


def test_no_records_have_no_answers_and_a_lone_record_is_refused(tmp_path: Path) -> None:
    empty, lone = answers_in_node(export(FLIGHTS, tmp_path / "web"), [[], GOOD])
    assert empty["answers"] == []
    assert lone["problems"] == [{"field": "(records)", "message": "must be a list of records"}]


def test_texts_are_measured_in_characters(tmp_path: Path) -> None:
    package = with_golden(make_text_package(tmp_path / "package"))
    batches = [[{"text": "😀" * 280}], [{"text": "😀" * 281}]]
    fits, long = answers_in_node(export(package, tmp_path / "web"), batches)
    assert fits["answers"] == load(package.folder).predict(batches[0])
    assert long["problems"] == _problems(package, batches[1])


INTEGERS = ["5", "-7", " 12 ", "9007199254740993", "-9223372036854775808"]
NO_INTEGERS = ["1e3", "1e20", "1E+2", "9.3e18", "1e400", "10e-1", "5.0", "12345678901234567.0", "2.5"]


def test_an_integer_is_entered_in_digits_as_json_has_it_for_python(tmp_path: Path) -> None:
    package = with_golden(make_tabular_package(tmp_path / "package", fields=[{"name": "n", "type": "integer"}]))
    texts = [*INTEGERS, *NO_INTEGERS]
    found = dict(zip(texts, entered_in_node(export(package, tmp_path / "web"), texts), strict=True))
    for text in INTEGERS:
        assert found[text]["answers"] == load(package.folder).predict([{"n": json.loads(text)}])
    for text in NO_INTEGERS:
        (expected,), (said,) = _problems(package, [{"n": json.loads(text)}]), found[text]["problems"]
        assert found[text]["error"] == "InputError"
        # JSON has a number where the form has a text, so only what was got may be written otherwise.
        assert (said["field"], said["message"].partition(" (")[0]) == ("[0].n", expected["message"].partition(" (")[0])
    assert "1e20" in found["1e20"]["problems"][0]["message"]


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    fields = (
        {"name": "radius", "type": "float", "min": 0, "max": 100},
        {"name": "smooth", "type": "float", "default": 0.25},
        {"name": "age", "type": "integer", "default": 3},
    )
    package = with_golden(make_tabular_package(tmp_path / "package", fields=fields))
    batch = [{"radius": 1.5}, {"radius": 1, "age": 4}]
    (found,) = answers_in_node(export(package, tmp_path / "web"), [batch])
    assert found["answers"] == load(package.folder).predict(batch)


@pytest.mark.parametrize("make", [make_labels_package, make_values_package])
def test_several_answers_are_those_of_python(tmp_path: Path, make: Any) -> None:
    package = with_golden(make(tmp_path / "package"))
    batch = [{"a": a / 3, "b": b} for a in range(-4, 5) for b in (-1.1, 0, 0.1, math.pi)]
    (found,) = answers_in_node(export(package, tmp_path / "web"), [batch])
    assert found["answers"] == load(package.folder).predict(batch)
