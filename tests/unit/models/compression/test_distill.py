"""Students trained on a teacher's outputs."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.compressible import box_rows, write_jsonl

from slipway.errors import InputError, PackageError
from slipway.models.compression.distill import Distilling, distill
from slipway.models.package import Package, load_package


@pytest.fixture(autouse=True)
def students(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("students", None)


@pytest.fixture
def plain_file(tmp_path: Path) -> Path:
    rows = [{name: value for name, value in row.items() if name != "label"} for row in box_rows()]
    return write_jsonl(tmp_path / "plain.jsonl", rows)


def test_a_student_learns_from_probabilities_alone(mlp: Package, plain_file: Path, order: Any) -> None:
    made = distill(order(mlp, plain_file), Distilling("students:network"))
    package = load_package(made.package.folder)
    training = package.manifest.training
    assert made.report.agreement > 0.8
    assert made.report.after.graph_bytes < made.report.before.graph_bytes
    assert training.teacher == "boxes:1"
    assert training.parameters["teacher_sha256"] == hashlib.sha256(mlp.path("model.yaml").read_bytes()).hexdigest()
    assert (training.data[0].name, training.data[0].rows) == ("plain.jsonl", 216)
    assert training.data[0].sha256 == hashlib.sha256(plain_file.read_bytes()).hexdigest()
    assert training.seed == 2026
    assert training.parent is None
    assert package.manifest.inputs == mlp.manifest.inputs
    assert package.baseline.records == 24
    assert "learned the answers of boxes 1 to 216 records" in package.path("README.md").read_text(encoding="utf-8")


def test_a_new_name_begins_with_version_1(mlp: Package, box_file: Path, order: Any) -> None:
    wanted = replace(order(mlp, box_file), output=Path("out") / "student")
    made = distill(wanted, Distilling("students:network", name="small-boxes", description="Boxes, by eight units."))
    manifest = made.package.manifest
    assert (manifest.name, manifest.version, manifest.description) == ("small-boxes", 1, "Boxes, by eight units.")
    assert "macro_recall" in made.report.after.quality


def test_held_out_records_are_a_file_of_their_own(mlp: Package, box_file: Path, plain_file: Path, order: Any) -> None:
    made = distill(order(mlp, plain_file), Distilling("students:network", held_out=box_file))
    training = made.package.manifest.training
    assert training.data[0].rows == 240
    assert training.parameters["held_out"]["name"] == "boxes.jsonl"
    assert made.report.data == "boxes.jsonl, 240 records"


@pytest.mark.parametrize("form", ["as_bytes", "as_folder"])
def test_a_recipe_may_return_bytes_or_a_folder(form: str, mlp: Package, plain_file: Path, order: Any) -> None:
    assert distill(order(mlp, plain_file), Distilling(f"students:{form}")).report.agreement > 0.8


def test_parameters_reach_the_recipe_and_the_manifest(mlp: Package, plain_file: Path, order: Any) -> None:
    how = Distilling("students:network", parameters={"units": 6}, seed=7)
    training = distill(order(mlp, plain_file), how).package.manifest.training
    assert (training.parameters["units"], training.seed) == (6, 7)


def test_a_regression_teaches_its_values(regression_package: Package, tmp_path: Path, order: Any) -> None:
    data = write_jsonl(tmp_path / "rooms.jsonl", [{"rooms": float(n), "area": 1.0} for n in range(40)])
    made = distill(order(regression_package, data), Distilling("students:sum_of_fields"))
    assert made.report.agreement == 1
    assert made.package.manifest.outputs.unit == "euro"


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        (Distilling("students:nothing"), InputError, "must return .graph, tokenizer. or a folder"),
        (Distilling("students:absent"), InputError, "has no function absent"),
        (Distilling("students:network", parameters={"depth": 3}), InputError, "--parameter: .*depth"),
        (Distilling("students:network", share=0.001), InputError, "--held-out: 0.001 of 60 records leaves too few"),
        (Distilling("students:wrong_width"), PackageError, "features"),
        (Distilling("students:failing"), RuntimeError, "out of luck"),
    ],
)
def test_what_goes_wrong_leaves_nothing(
    how: Distilling, error: type[Exception], message: str, mlp: Package, order: Any
) -> None:
    rows = [{name: value for name, value in row.items() if name != "label"} for row in box_rows(60)]
    wanted = order(mlp, write_jsonl(mlp.folder.parent / "plain.jsonl", rows))
    with pytest.raises(error, match=message):
        distill(wanted, how)
    assert not wanted.output.parent.exists()


def test_who_watches_is_told_of_each_answer(mlp: Package, plain_file: Path, order: Any) -> None:
    steps: dict[str, list[int]] = {}

    @contextmanager
    def watch(what: str, total: int) -> Iterator[Callable[[], None]]:
        steps[what] = [total, 0]

        def advance() -> None:
            steps[what][1] += 1

        yield advance

    distill(order(mlp, plain_file, watch=watch), Distilling("students:network"))
    assert steps == {"The teacher answers": [216, 216]}
