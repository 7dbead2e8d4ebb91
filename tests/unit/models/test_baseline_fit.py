"""A manifest that contradicts its baseline is refused, part by part."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.nullable import INPUTS, make_nullable_package, nullable_graph
from support.packages import make_tabular_package, make_text_package

from slipway.errors import PackageError
from slipway.models.manifest import Manifest
from slipway.models.measurements.baseline import read_baseline
from slipway.models.measurements.baseline_fit import misfits
from slipway.models.package import Package, load_package, seal_package

ROOT = Path(__file__).parents[3]
FIELDS: dict[str, dict[str, Any]] = {
    "size": {"type": "float", "min": 0, "max": 20},
    "age": {"type": "integer"},
    "grade": {"type": "integer", "allowed": [1, 9]},
    "smoker": {"type": "boolean"},
}


def _fields(**changes: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The fields with changes by name; None leaves one out."""
    merged = {**FIELDS, **changes}
    return [{"name": name, **FIELDS.get(name, {}), **field} for name, field in merged.items() if field is not None]


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """Two records: 1 and 9 in each field of numbers."""
    return make_tabular_package(tmp_path / "p", fields=_fields())


def _found(package: Package, **changes: Any) -> dict[str, str]:
    document = package.manifest.model_dump(mode="json", exclude={"seal"})
    manifest = Manifest.model_validate({**document, **changes})
    return {problem.field: problem.message for problem in misfits(manifest, package.baseline)}


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"size": {"min": 2}}, "inputs.size.min", "is 2.0, but baseline.json has 1"),
        ({"size": {"max": 8.99}}, "inputs.size.max", "is 8.99, but baseline.json has 9"),
        ({"size": {"type": "string", "min": None, "max": None}}, "inputs.size", "of type string, .* as numbers"),
        ({"size": {"allowed": [1, 9]}}, "inputs.size", "of type float with `allowed`, .* as numbers"),
        ({"grade": {"allowed": [1, 2]}}, "inputs.grade.allowed", "lacks '9' of baseline.json"),
        ({"grade": {"max": 8}}, "inputs.grade.max", "is 8.0, but baseline.json has 9"),
        ({"smoker": {"type": "integer"}}, "inputs.smoker", "of type integer, .* as categories"),
        ({"weight": {"type": "float"}}, "inputs.weight", "has no values in baseline.json"),
        ({"age": None}, "inputs.age", "is not there, but baseline.json has its values"),
    ],
)
def test_an_input_that_contradicts_the_baseline_is_named(
    package: Package, changes: dict[str, Any], field: str, message: str
) -> None:
    found = _found(package, inputs=_fields(**changes))
    assert list(found) == [field]
    assert re.search(message, found[field])


@pytest.mark.parametrize("changes", [{}, {"size": {"min": 1, "max": 9}}, {"grade": {"allowed": [1.0, 9.0, 5]}}])
def test_bounds_that_admit_the_values_pass(package: Package, changes: dict[str, Any]) -> None:
    assert _found(package, inputs=_fields(**changes)) == {}


def test_an_integer_has_whole_values(tmp_path: Path) -> None:
    package = make_tabular_package(tmp_path / "p", fields=[{"name": "x", "type": "float", "max": 8.5}])
    assert _found(package, inputs=[{"name": "x", "type": "integer"}]) == {
        "inputs.x.type": "is integer, but baseline.json has 8.5"
    }


@pytest.mark.parametrize("labels", [["no", "yep"], ["yes", "no"], ["no", "yes", "maybe"]])
def test_labels_are_the_baselines_in_its_order(package: Package, labels: list[str]) -> None:
    assert list(_found(package, outputs={"labels": labels})) == ["outputs.labels"]


def test_a_text_is_not_cut_below_what_was_seen(tmp_path: Path) -> None:
    package = make_text_package(tmp_path / "p")
    field = {"name": "text", "type": "string"}
    assert _found(package, inputs=[{**field, "max_characters": 4}]) == {}
    assert list(_found(package, inputs=[{**field, "max_characters": 3}])) == ["inputs.text.max_characters"]


def test_values_that_were_missing_may_be(tmp_path: Path) -> None:
    package = make_nullable_package(tmp_path / "p", nullable_graph(), INPUTS)
    assert _found(package) == {}
    required = [{**field, "nullable": False} for field in INPUTS]
    assert list(_found(package, inputs=required)) == ["inputs.wind.nullable", "inputs.seats.nullable"]


def test_rounding_in_the_baseline_excludes_no_value(tmp_path: Path) -> None:
    bound = 8.12345678
    fields = [{"name": "x", "type": "float", "min": 1.00000049, "max": bound}]
    package = make_tabular_package(tmp_path / "p", fields=fields)
    assert package.baseline.inputs["x"].max != bound  # type: ignore[union-attr]
    assert _found(package) == {}


@pytest.mark.parametrize("folder", sorted((ROOT / "models").glob("*/*")), ids=lambda path: "-".join(path.parts[-2:]))
def test_shipped_packages_agree_with_their_baselines(folder: Path) -> None:
    package = load_package(folder)
    assert misfits(package.manifest, read_baseline(folder / "baseline.json")) == []


def test_sealing_refuses_a_contradiction_and_writes_nothing(package: Package) -> None:
    before = (package.folder / "model.yaml").read_bytes()
    document = package.manifest.model_dump(mode="json", exclude={"files", "seal"}, exclude_unset=True)
    with pytest.raises(PackageError, match=r"model\.yaml: outputs\.labels: are \['a', 'b'\]"):
        seal_package(package.folder, {**document, "outputs": {"labels": ["a", "b"]}})
    assert (package.folder / "model.yaml").read_bytes() == before
