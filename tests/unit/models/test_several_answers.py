"""Packages with several answers: what a manifest may say, and what a graph may return."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from support.several import LABELS, make_labels_package, make_values_package

import slipway
from slipway.errors import PackageError, PredictionError
from slipway.models.manifest import Form, Outputs
from slipway.models.measurements.baseline_fit import misfits
from slipway.models.package import load_package
from slipway.models.prediction.answers import answers_of, difference

MANY = Outputs(labels=("a", "b"), multi_label=True, thresholds={"b": 0.25})
PAIR = Outputs.model_validate({"targets": [{"name": "x"}, {"name": "y", "unit": "mm"}]})


@pytest.mark.parametrize(
    ("stated", "form"),
    [
        ({"labels": ["a", "b"]}, Form.LABEL),
        ({"labels": ["a", "b"], "multi_label": True}, Form.LABELS),
        ({"unit": "mm"}, Form.VALUE),
        ({"targets": [{"name": "x"}, {"name": "y"}]}, Form.VALUES),
    ],
)
def test_the_manifest_says_the_form_of_an_answer(stated: dict[str, Any], form: Form) -> None:
    assert Outputs.model_validate(stated).form is form


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"multi_label": True}, "`multi_label` needs `labels`"),
        ({"labels": ["a", "b"], "thresholds": {"a": 0.1}}, "`thresholds` are for `multi_label: true`"),
        ({"labels": ["a", "b"], "multi_label": True, "thresholds": {"c": 0.1}}, "has c, which are not among `labels`"),
        ({"labels": ["a", "b"], "multi_label": True, "thresholds": {"a": 1}}, "less than 1"),
        ({"labels": ["a", "a"]}, "names a label twice"),
        ({"targets": [{"name": "x"}]}, "at least 2"),
        ({"targets": [{"name": "x"}, {"name": "x"}]}, "names a target twice"),
        ({"targets": [{"name": "x"}, {"name": "y"}], "unit": "mm"}, "give each of the `targets` its own"),
        ({"targets": [{"name": "x"}, {"name": "y"}], "labels": ["a", "b"]}, "give one of them"),
    ],
)
def test_outputs_of_two_forms_are_refused(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Outputs.model_validate(stated)


def test_a_task_has_outputs_of_its_kind(tmp_path: Path) -> None:
    for task, outputs, message in (
        ("tabular-regression", {"labels": ["a", "b", "c"]}, "is for classifications"),
        ("tabular-classification", {"labels": None, "targets": [{"name": "x"}, {"name": "y"}]}, "is required"),
    ):
        with pytest.raises(ValidationError, match=message):
            make_labels_package(tmp_path / task, task=task, outputs=outputs)


def test_labels_over_their_threshold_are_answered_by_the_shown_score() -> None:
    rows = np.array([[0.5000001, 0.2500004], [0.50001, 0.2501], [0.9, 0.1], [0, 0]], np.float32)
    answers = answers_of(MANY, rows)
    assert [answer["labels"] for answer in answers] == [[], ["a", "b"], ["a"], []]
    assert answers[0]["scores"] == {"a": 0.5, "b": 0.25}


@pytest.mark.parametrize("row", [[0.5, 1.2], [np.nan, 0.5], [-0.2, 0.5], [0.5], [0.1, 0.2, 0.3]])
def test_what_is_no_probability_for_each_label_is_an_error(row: list[float]) -> None:
    with pytest.raises(PredictionError, match="not a probability for each of a, b"):
        answers_of(MANY, np.array([row], np.float32))


def test_values_must_be_finite_and_one_for_each_target() -> None:
    assert answers_of(PAIR, np.array([[0.1, -2]], np.float32)) == [{"values": {"x": 0.1, "y": -2.0}}]
    with pytest.raises(PredictionError, match="not a value for each of x, y"):
        answers_of(PAIR, np.array([[1.0], [2.0]]))
    with pytest.raises(PredictionError, match="not a finite number"):
        answers_of(PAIR, np.array([[1.0, np.inf]]))


def test_the_graph_must_have_a_column_for_each(tmp_path: Path) -> None:
    package = make_labels_package(tmp_path / "three")
    assert slipway.load(package.folder).predict([{"a": -1.0, "b": -0.5}])[0]["labels"] == ["urgent"]
    narrow = make_labels_package(tmp_path / "two", outputs={"labels": ["billing", "urgent"], "multi_label": True})
    with pytest.raises(PackageError, match="has 3 columns; it must have 2"):
        slipway.load(narrow.folder)


def test_a_baseline_of_other_targets_does_not_fit(tmp_path: Path) -> None:
    package = load_package(make_values_package(tmp_path / "values").folder)
    outputs = Outputs.model_validate({"targets": [{"name": "depth"}, {"name": "width"}]})
    changed = package.manifest.model_copy(update={"outputs": outputs})
    (problem,) = misfits(changed, package.baseline)
    assert problem.field == "outputs.targets"
    assert set(package.baseline.outputs.values or ()) == {"width", "height (cm)"}


def test_the_baseline_has_the_share_of_records_with_each_label(tmp_path: Path) -> None:
    shares = make_labels_package(tmp_path / "labels").baseline.outputs.labels
    assert shares == dict(zip(LABELS, (0.5, 1.0, 0.0), strict=True))


def test_answers_differ_by_their_largest_number() -> None:
    one, other = {"values": {"x": 10.0, "y": 1.0}}, {"values": {"x": 11.0, "y": 1.05}}
    assert difference(one, other) == pytest.approx(0.1)
    scores = ({"labels": [], "scores": {"a": 0.1, "b": 0.3}}, {"labels": ["b"], "scores": {"a": 0.1, "b": 0.6}})
    assert difference(*scores) == pytest.approx(0.3)
