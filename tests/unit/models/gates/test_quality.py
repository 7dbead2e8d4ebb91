"""The quality of models with several answers, against scikit-learn's figures, and the gates on it."""

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from support.several import LABELS, TARGETS, make_labels_package, make_values_package

from slipway.config import GatesConfig
from slipway.errors import InputError
from slipway.models.gates.checking import check_package
from slipway.models.gates.labelled import read_given, read_labelled
from slipway.models.gates.quality import quality
from slipway.models.manifest import Outputs
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor

ROWS = np.random.default_rng(4).normal(size=(60, 2)).round(2)
RECORDS = [{"a": a, "b": b} for a, b in ROWS.tolist()]


@pytest.fixture
def labels_package(tmp_path: Path) -> Package:
    return make_labels_package(tmp_path / "models/tiny-labels/1")


@pytest.fixture
def values_package(tmp_path: Path) -> Package:
    return make_values_package(tmp_path / "models/tiny-values/1")


def test_the_figures_of_labels_are_those_of_scikit_learn(labels_package: Package) -> None:
    true = np.stack([ROWS[:, 0] > 0.2, ROWS[:, 1] > 0.1, ROWS[:, 0] > ROWS[:, 1]], axis=1)
    sets = [tuple(label for label, flag in zip(LABELS, row, strict=True) if flag) for row in true.tolist()]
    outputs = Predictor(labels_package).predict(RECORDS)

    found = quality(labels_package.manifest, outputs, sets)

    predicted = np.array([[label in output["labels"] for label in LABELS] for output in outputs])
    scores = np.array([list(output["scores"].values()) for output in outputs])
    assert found == {
        "micro_f1": pytest.approx(metrics.f1_score(true, predicted, average="micro")),
        "macro_f1": pytest.approx(metrics.f1_score(true, predicted, average="macro")),
        "accuracy": pytest.approx(metrics.accuracy_score(true, predicted)),
        "log_loss": pytest.approx(np.mean([metrics.log_loss(true[:, at], scores[:, at]) for at in range(3)])),
    }
    with pytest.raises(InputError, match="fraud are not among billing"):
        quality(labels_package.manifest, outputs, [("fraud",)] * len(outputs))


def test_the_figures_of_values_are_those_of_scikit_learn(values_package: Package) -> None:
    true = np.stack([2 * ROWS[:, 0] + 0.3, ROWS[:, 1]], axis=1)
    outputs = Predictor(values_package).predict(RECORDS)

    found = quality(values_package.manifest, outputs, [tuple(row) for row in true.tolist()])

    values = np.array([list(output["values"].values()) for output in outputs])
    for at, name in enumerate(TARGETS):
        assert found[f"mae_{name}"] == pytest.approx(metrics.mean_absolute_error(true[:, at], values[:, at]))
        assert found[f"rmse_{name}"] == pytest.approx(metrics.root_mean_squared_error(true[:, at], values[:, at]))
        assert found[f"r2_{name}"] == pytest.approx(metrics.r2_score(true[:, at], values[:, at]))
    assert found["r2"] == pytest.approx(metrics.r2_score(true, values))


def test_gates_hold_for_each_target(values_package: Package, tmp_path: Path) -> None:
    rows = tmp_path / "val.csv"
    lines = [f"{a},{b},{2 * a + 1},{b - a}" for a, b in ROWS.tolist()]
    rows.write_text("\n".join(["a,b,width,height (cm)", *lines]))
    gates = GatesConfig.model_validate(
        {"quality": [{"metric": "mae_width", "max": 0.5}, {"metric": "rmse_height (cm)", "max": 0.01}]}
    )

    check = check_package(values_package, gates, labelled=rows)

    assert [(result.name, result.passed) for result in check.results] == [
        ("mae_width max", False),
        ("rmse_height (cm) max", True),
    ]
    assert check.results[0].measured == pytest.approx(1, rel=1e-4)
    with pytest.raises(ValueError, match="a lower rmse_width is better"):
        GatesConfig.model_validate({"quality": [{"metric": "rmse_width", "min": 1}]})


def test_true_answers_are_read_from_a_column_for_each(
    labels_package: Package, values_package: Package, tmp_path: Path
) -> None:
    rows = tmp_path / "val.csv"
    rows.write_text("a,b,billing,urgent,spam mail,width\n1,2,1,0,true,3\n1,2,0,0,false,4\n")
    assert read_labelled(rows, labels_package.manifest).labels == [("billing", "spam mail"), ()]
    with pytest.raises(InputError, match="height"):
        read_labelled(rows, values_package.manifest)
    rows.write_text("a,b,billing,urgent\n1,2,1,0\n")
    with pytest.raises(InputError, match="must be a list, or in a column with 1 or 0 for each, of billing"):
        read_labelled(rows, labels_package.manifest)
    rows.write_text("a,b\n1,2\n")
    assert read_given(rows, labels_package.manifest).labels == []
    assert read_given(rows, values_package.manifest).labels == []


def test_true_labels_are_read_from_a_list(labels_package: Package, tmp_path: Path) -> None:
    rows = tmp_path / "val.jsonl"
    rows.write_text('{"a": 1, "b": 2, "label": ["urgent", "billing"]}\n{"a": 1, "b": 2, "label": []}\n')
    assert read_labelled(rows, labels_package.manifest).labels == [("billing", "urgent"), ()]
    rows.write_text('{"a": 1, "b": 2, "label": "urgent"}\n')
    with pytest.raises(InputError, match="must be a list"):
        read_labelled(rows, labels_package.manifest)


def repeated(values: list, times: list[int]) -> list:
    return [value for value, number in zip(values, times, strict=True) for _ in range(number)]


TIMES = [1 + at % 3 for at in range(len(ROWS))]


def test_a_record_counts_as_often_as_its_weight_says(labels_package: Package, values_package: Package) -> None:
    true = np.stack([ROWS[:, 0] > 0.2, ROWS[:, 1] > 0.1, ROWS[:, 0] > ROWS[:, 1]], axis=1)
    sets = [tuple(label for label, flag in zip(LABELS, row, strict=True) if flag) for row in true.tolist()]
    values = [tuple(row) for row in (ROWS * 1.1).tolist()]
    for package, truth in ((labels_package, sets), (values_package, values)):
        outputs = Predictor(package).predict(RECORDS)
        weighted = quality(package.manifest, outputs, truth, np.array(TIMES, np.float64))
        assert weighted == pytest.approx(quality(package.manifest, repeated(outputs, TIMES), repeated(truth, TIMES)))
        assert weighted != pytest.approx(quality(package.manifest, outputs, truth))


def test_one_label_and_one_value_are_weighted_likewise(tmp_path: Path) -> None:
    from support.packages import make_tabular_package

    manifest = make_tabular_package(tmp_path / "one").manifest
    chance = np.random.default_rng(5)
    yes = chance.random(len(TIMES)).round(3).tolist()
    outputs = [{"label": "yes" if p > 0.5 else "no", "scores": {"yes": p, "no": 1 - p}} for p in yes]
    truth = ["yes" if flag else "no" for flag in chance.random(len(TIMES)) < 0.6]
    weighted = quality(manifest, outputs, truth, np.array(TIMES, np.float64))
    assert weighted == pytest.approx(quality(manifest, repeated(outputs, TIMES), repeated(truth, TIMES)))
    number = manifest.model_copy(update={"outputs": Outputs(unit="m")})
    values, true = [{"value": p} for p in yes], chance.random(len(TIMES)).tolist()
    weighted = quality(number, values, true, np.array(TIMES, np.float64))
    assert weighted == pytest.approx(quality(number, repeated(values, TIMES), repeated(true, TIMES)))
