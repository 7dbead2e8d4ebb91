"""The calibration says how often answers of a score are right, on records that no curve was fitted to."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from support.packages import make_regression_package, make_text_package

from slipway.errors import PackageError
from slipway.models.measurements.calibrating import (
    Scored,
    _isotonic,
    _platt,
    calibrate,
    calibration_error,
    measure_calibration,
)
from slipway.models.measurements.calibration import POOLED, Calibration, read_calibration, write_calibration
from slipway.models.measurements.renewal import measure_again
from slipway.models.package import load_package
from slipway.models.prediction.labels import confidence_of


def drawn(n: int, truth, *, seed: int = 0, labels=("a",)) -> Scored:
    """Answers whose true probability to be right is ``truth(label, score)``."""
    rng = np.random.default_rng(seed)
    names, scores = rng.choice(np.array(labels, dtype=object), n), rng.uniform(0.5, 1, n)
    probability = np.array([truth(name, score) for name, score in zip(names, scores, strict=True)])
    return Scored(names, scores, (rng.random(n) < probability).astype(float))


def test_platts_curve_is_the_logistic_regression_of_the_logit() -> None:
    scored = drawn(5000, lambda _, s: 1 / (1 + np.exp(-(0.6 * np.log(s / (1 - s)) - 0.3))))
    knots, found = _platt(scored.scores, scored.right)
    logit = np.log(scored.scores / (1 - scored.scores))[:, None]
    referee = LogisticRegression(C=1e9).fit(logit, scored.right)
    inside = (knots > 0.5) & (knots < 0.999)
    expected = referee.predict_proba(np.log(knots[inside] / (1 - knots[inside]))[:, None])[:, 1]
    assert found[inside] == pytest.approx(expected, abs=2e-3)


def test_the_isotonic_curve_is_scikit_learns_over_the_same_cells() -> None:
    scored = drawn(4000, lambda _, s: s**3)
    scores, found = _isotonic(scored.scores, scored.right)
    referee = IsotonicRegression(out_of_bounds="clip").fit(scored.scores, scored.right)
    assert np.all(np.diff(found) >= 0)
    assert found == pytest.approx(referee.predict(scores), abs=0.06)


@pytest.mark.parametrize(
    ("truth", "methods"),
    [
        (lambda _, s: s, {"none", "platt"}),
        (lambda _, s: 1 / (1 + np.exp(-(0.3 * np.log(s / (1 - s)) - 0.2))), {"platt"}),
        (lambda _, s: 0.55 if s < 0.8 else 0.95, {"isotonic"}),
    ],
)
def test_the_method_with_the_least_error_is_chosen(truth, methods: set[str]) -> None:
    found = calibrate(drawn(20_000, truth))
    assert found.method in methods
    assert found.error < 0.02
    fresh = drawn(20_000, truth, seed=1)
    assert calibration_error(found.probabilities(fresh.labels, fresh.scores), fresh.right) < 0.02


def test_labels_that_differ_get_curves_of_their_own() -> None:
    found = calibrate(drawn(20_000, lambda label, s: s if label == "a" else s - 0.3, labels=("a", "b")))
    assert set(found.curves) == {POOLED, "a", "b"}
    assert found.probability("a", 0.9) == pytest.approx(0.9, abs=0.03)
    assert found.probability("b", 0.9) == pytest.approx(0.6, abs=0.03)
    assert found.probability("new", 0.9) == pytest.approx(0.75, abs=0.05)
    assert found.raw_error > 0.1 > found.error


def test_the_error_is_of_records_that_no_curve_was_fitted_to() -> None:
    """Scores without any meaning: a curve that had seen its records would look calibrated at 0 error."""
    scored = drawn(400, lambda _, __: 0.7)
    found = calibrate(scored)
    assert 0.01 < found.error < 0.1


def test_cells_count_the_validation_records() -> None:
    scored = drawn(1000, lambda _, s: s)
    found = calibrate(scored)
    curve = found.curves[POOLED]
    assert (sum(curve.counts), sum(curve.right)) == (1000, int(scored.right.sum()))
    assert found.accuracy == pytest.approx(scored.right.mean())
    assert np.bincount(curve.cells(scored.scores)).tolist() == list(curve.counts)


def test_a_score_is_of_the_whole_answer() -> None:
    assert confidence_of({"label": "a", "score": 0.7}) == 0.7
    several = {"labels": ["a"], "scores": {"a": 0.9, "b": 0.2}}
    assert confidence_of(several) == pytest.approx(0.9 * 0.8)
    assert confidence_of({"value": 3.0}) is None
    assert confidence_of({"label": "a", "score": True}) is None


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path, found = tmp_path / "calibration.json", calibrate(drawn(3000, lambda _, s: s, labels=("a", "b")))
    write_calibration(path, found)
    read = read_calibration(path)
    assert (read, read.digest) == (found, found.digest)
    assert path.stat().st_size < 20_000
    document = json.loads(path.read_text())
    document["curves"][POOLED]["counts"].pop()
    path.write_text(json.dumps(document))
    with pytest.raises(PackageError, match="one more entry"):
        read_calibration(path)


def test_certain_scores_and_equal_scores_are_calibrated_too() -> None:
    ones = Scored(np.array(["a"] * 100, dtype=object), np.ones(100), np.array([1.0] * 90 + [0.0] * 10))
    assert calibrate(ones).probability("a", 1.0) == pytest.approx(0.9, abs=0.02)
    right = Scored(np.array(["a"] * 100, dtype=object), np.linspace(0.5, 1, 100), np.ones(100))
    assert calibrate(right).probability("a", 0.8) > 0.97


WORDS = {"good": "positive", "awful": "negative", "sunny day": "positive", "hm": "neutral"}
RECORDS = [{"text": text} for text in WORDS for _ in range(20)]


def test_sealing_with_labels_writes_it_and_without_keeps_it(tmp_path: Path) -> None:
    package = make_text_package(tmp_path / "tiny-sentiment" / "1")
    assert package.calibration is None
    renewed = measure_again(package, RECORDS, [WORDS[str(each["text"])] for each in RECORDS])
    assert isinstance(renewed.calibration, Calibration)
    assert "calibration.json" in {entry.path for entry in renewed.manifest.files}
    assert (renewed.calibration.records, renewed.calibration.accuracy) == (80, 1.0)
    assert load_package(measure_again(renewed, RECORDS).folder).calibration == renewed.calibration
    few = measure_again(renewed, RECORDS[:3], ["positive"] * 3)
    assert few.calibration is None


def test_a_regression_and_answers_without_scores_have_none(tmp_path: Path) -> None:
    regression = make_regression_package(tmp_path / "1").manifest
    assert measure_calibration(regression, [{"value": 1.0}] * 80, [1.0] * 80) is None
    text = make_text_package(tmp_path / "text" / "1").manifest
    assert measure_calibration(text, [{"label": "positive"}] * 80, ["positive"] * 80) is None
