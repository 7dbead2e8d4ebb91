"""The inputs of an imported model."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config import FeatureType
from slipway.errors import InputError
from slipway.models.importing.fields import field_name, infer_inputs, named, read_inputs, read_renames
from slipway.models.importing.samples import Samples
from slipway.models.importing.source import Column
from slipway.models.manifest import InputField


def samples(**columns: list[Any]) -> Samples:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Samples("rows", tuple(columns), rows)


@pytest.mark.parametrize(
    ("column", "expected"),
    [("Mean Radius (mm)", "mean_radius_mm"), ("2nd try", "field_2nd_try"), ("x", "x"), ("Größe", "grosse")],
)
def test_names_fit_the_manifest(column: str, expected: str) -> None:
    assert field_name(column) == expected


@given(st.text(min_size=1))
def test_any_name_fits_the_manifest(column: str) -> None:
    InputField.model_validate({"name": field_name(column), "type": "float"})


@given(st.lists(st.floats(-1e12, 1e12), min_size=1))
def test_limits_hold_every_sample(values: list[float]) -> None:
    (found,) = infer_inputs([Column("a")], samples(a=values), {})

    assert found["min"] <= min(values)
    assert found["max"] >= max(values)


def test_limits_leave_room_and_stay_above_zero() -> None:
    ages, temperatures = infer_inputs([Column("age"), Column("t")], samples(age=[18, 70], t=[-3.5, 30.0]), {})

    assert (ages["min"], ages["max"]) == (0, 130)
    assert (temperatures["min"], temperatures["max"]) == (-37, 64)


def test_few_strings_that_come_again_are_the_allowed_ones() -> None:
    again, once, text = infer_inputs(
        [Column("again"), Column("once"), Column("text", FeatureType.STRING, is_text=True)],
        samples(again=["a", "b", "a"] * 3, once=list("abcdefghi"), text=["a"] * 9),
        {},
    )

    assert again["allowed"] == ["a", "b"]
    assert "allowed" not in once
    assert "allowed" not in text


def test_without_ranges_only_the_models_own_limits_stand() -> None:
    columns = [Column("size"), Column("plan", FeatureType.STRING, ("a", "b"))]

    size, plan = infer_inputs(columns, samples(size=[1, 2], plan=["a", "b"]), {}, ranges=False)

    assert size == {"name": "size", "type": "integer"}
    assert plan["allowed"] == ["a", "b"]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="several types"):
        infer_inputs([Column("a")], samples(a=[1, "x"]), {})
    with pytest.raises(InputError, match="no column b; it has a"):
        infer_inputs([Column("b")], samples(a=[1]), {})
    with pytest.raises(InputError, match="price are not inputs of the model; it has a"):
        infer_inputs([Column("a")], samples(a=[1]), {"price": {}})
    with pytest.raises(InputError, match="two columns would have the same name"):
        infer_inputs([Column("A"), Column("a")], samples(A=[1], a=[2]), {})
    path = tmp_path / "inputs.yaml"
    path.write_text("name: a\n")
    with pytest.raises(InputError, match="must be a list of inputs"):
        read_inputs(path)


@pytest.mark.parametrize(
    ("column", "name"), [("Größe", "grosse"), ("Höhe (m)", "hohe_m"), ("naïve", "naive"), ("Straße", "strasse")]
)
def test_accents_are_dropped_and_no_letter_is_lost(column: str, name: str) -> None:
    assert named(column, {}) == name


@pytest.mark.parametrize("column", ["年齢", "возраст", "age 年齢"])
def test_columns_of_other_scripts_need_a_name(column: str) -> None:
    with pytest.raises(InputError, match=f"--rename '{column}=age'"):
        named(column, {})
    assert named(column, {column: "age"}) == "age"


def test_renames_are_pairs_and_name_columns() -> None:
    assert read_renames(["a=b=c", "年齢=age"]) == {"a=b": "c", "年齢": "age"}
    for wrong in ("age", "=age", "age="):
        with pytest.raises(InputError, match="must be COLUMN=NAME"):
            read_renames([wrong])
