"""The training command reproduces the shipped package, which standardizes inside its graph."""

import csv
from pathlib import Path

import numpy as np
import onnx
import pytest

from recipes import breast_cancer
from recipes.graphs import run_graph
from slipway.models.package import load_package

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    breast_cancer.train_all(folder, folder / "patients.csv")
    return folder


def test_training_again_gives_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    breast_cancer.train_all(tmp_path, tmp_path / "patients.csv")
    files = sorted(path.relative_to(trained) for path in trained.rglob("*") if path.is_file())
    assert len(files) == 13
    for file in files:
        assert (tmp_path / file).read_bytes() == (trained / file).read_bytes(), file


@pytest.mark.parametrize("version", [1, 2])
def test_a_trained_version_is_as_good_as_the_shipped_one(trained: Path, version: int) -> None:
    shipped = load_package(ROOT / "models" / "breast-cancer" / str(version)).manifest
    again = load_package(trained / str(version)).manifest
    for ours, theirs in zip(again.quality, shipped.quality, strict=True):
        assert ours.metric == theirs.metric
        assert ours.value == pytest.approx(theirs.value, abs=0.01)


@pytest.mark.parametrize("version", [1, 2])
def test_a_batch_predicts_what_its_rows_predict_alone(trained: Path, version: int) -> None:
    graph = onnx.load(trained / str(version) / "model.onnx")
    rows = breast_cancer.load_split().held_out[:32].astype(np.float32)
    alone = np.vstack([run_graph(graph, {"features": row[None]}) for row in rows])
    assert np.abs(run_graph(graph, {"features": rows}) - alone).max() <= 1e-6


def test_the_example_patients_are_rows_that_no_version_was_trained_on(trained: Path) -> None:
    with (trained / "patients.csv").open(encoding="utf-8") as file:
        patients = list(csv.DictReader(file))
    split = breast_cancer.load_split()
    seen = {tuple(row) for row in split.train}
    assert [patient["patient"] for patient in patients[:2]] == ["p001", "p002"]
    assert len(patients) == 24
    assert not any(tuple(float(patient[name]) for name in split.names) in seen for patient in patients)
    assert (trained / "patients.csv").read_bytes() == (ROOT / "examples" / "patients.csv").read_bytes()
