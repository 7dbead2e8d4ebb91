"""The quality of a version: its answers against the true labels or values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import InputError
from slipway.models.manifest import Form, Manifest, Outputs
from slipway.models.prediction.labels import Truth

# Scores are rounded to six digits, so a score of zero may be a probability of up to half the last digit.
_LEAST_SCORE = 5e-7
Answers = Sequence[Mapping[str, Any]]
Matrix = NDArray[np.float64]


def quality(
    manifest: Manifest, outputs: Answers, labels: Sequence[Truth], weights: Matrix | None = None
) -> dict[str, float]:
    """The quality of ``outputs`` of `Predictor.predict` against the true labels or values.

    Classifiers: ``macro_recall`` (mean over the labels that occur), ``accuracy`` and ``log_loss`` (natural logarithm).
    Multi-label classifiers: ``micro_f1``, ``macro_f1`` (mean over the labels that are true or predicted of a record),
    ``accuracy`` (all labels of a record are right), and ``log_loss`` (mean over records and labels).
    Regressions: ``mae``, ``rmse`` and ``r2`` (absent if all true values are equal); with several targets, each of them
    as ``mae_TARGET``, and the mean of r2 over the targets.

    With ``weights``, a record counts as often as its weight says; all count once by default.

    Raises:
        InputError: there are no outputs, the numbers of outputs and labels differ, or a label is not in the manifest.
    """
    if not outputs or len(outputs) != len(labels):
        raise InputError.of("labels", f"{len(labels)} labels for {len(outputs)} outputs; one for each is needed")
    known = manifest.outputs
    match known.form:
        case Form.LABEL:
            return _classification(
                known.labels or (), outputs, _known(known, [str(label) for label in labels]), weights
            )
        case Form.LABELS:
            return _multi_label(known, outputs, labels, weights)
        case Form.VALUE:
            return _regression(np.array([output["value"] for output in outputs]), _as_numbers(labels), weights)
        case Form.VALUES:
            return _regressions(known.target_names, outputs, _as_numbers(labels), weights)


def _mean(values: NDArray[Any], weights: Matrix | None) -> float:
    return float(values.mean() if weights is None else np.average(values, weights=weights))


def _of(weights: Matrix | None, chosen: NDArray[np.bool_]) -> Matrix | None:
    return None if weights is None else weights[chosen]


def _known(outputs: Outputs, labels: list[str]) -> list[str]:
    names = outputs.labels or ()
    if unknown := sorted(set(labels) - set(names)):
        raise InputError.of("labels", f"{', '.join(unknown)} are not among {', '.join(names)}")
    return labels


def _as_numbers(labels: Sequence[Truth]) -> Matrix:
    try:
        return np.array(labels, dtype=np.float64)
    except ValueError as error:
        raise InputError.of("labels", f"a regression needs numbers: {error}") from error


def _classification(
    names: Sequence[str], outputs: Answers, truth: Sequence[str], weights: Matrix | None
) -> dict[str, float]:
    true = np.array([names.index(label) for label in truth])
    right = np.array([output["label"] == label for output, label in zip(outputs, truth, strict=True)])
    recalls = [_mean(right[true == index], _of(weights, true == index)) for index in np.unique(true)]
    found = {"macro_recall": float(np.mean(recalls)), "accuracy": _mean(right, weights)}
    if all("scores" in output for output in outputs):
        scores = _scores(names, outputs)
        given = scores[np.arange(len(true)), true] / scores.sum(axis=1)
        found["log_loss"] = _mean(-np.log(given.clip(_LEAST_SCORE, 1)), weights)
    return found


def _multi_label(known: Outputs, outputs: Answers, labels: Sequence[Truth], weights: Matrix | None) -> dict[str, float]:
    sets = [_known(known, list(map(str, label)) if isinstance(label, tuple) else [str(label)]) for label in labels]
    names = known.labels or ()
    true, predicted = _indicators(names, sets), _indicators(names, [output["labels"] for output in outputs])
    times = np.ones((len(labels), 1), np.int64) if weights is None else weights[:, None]
    hits, doubled = (times * (true & predicted)).sum(axis=0), (times * (true.astype(int) + predicted)).sum(axis=0)
    occurs = doubled > 0
    f1 = 2 * hits[occurs] / doubled[occurs]
    found = {
        "micro_f1": float(2 * hits.sum() / doubled.sum()) if occurs.any() else 1.0,
        "macro_f1": float(f1.mean()) if occurs.any() else 1.0,
        "accuracy": _mean((true == predicted).all(axis=1), weights),
    }
    if all("scores" in output for output in outputs):
        scores = _scores(names, outputs)
        losses = -np.log(np.where(true, scores, 1 - scores).clip(_LEAST_SCORE, 1))
        found["log_loss"] = float(losses.mean()) if weights is None else _mean(losses.mean(axis=1), weights)
    return found


def _indicators(names: Sequence[str], sets: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    return np.array([[name in labels for name in names] for labels in sets], dtype=np.bool_)


def _scores(names: Sequence[str], outputs: Answers) -> Matrix:
    return np.array([[output["scores"][name] for name in names] for output in outputs])


def _regression(values: Matrix, truth: Matrix, weights: Matrix | None) -> dict[str, float]:
    errors, times = values - truth, 1.0 if weights is None else weights
    found = {"mae": _mean(np.abs(errors), weights), "rmse": math.sqrt(_mean(errors**2, weights))}
    spread = float((times * (truth - _mean(truth, weights)) ** 2).sum())
    if spread > 0:
        found["r2"] = 1 - float((times * errors**2).sum()) / spread
    return found


def _regressions(names: Sequence[str], outputs: Answers, truth: Matrix, weights: Matrix | None) -> dict[str, float]:
    if truth.shape != (len(outputs), len(names)):
        raise InputError.of("labels", f"each record needs a value for each of {', '.join(names)}")
    values = np.array([[output["values"][name] for name in names] for output in outputs])
    each = {name: _regression(values[:, at], truth[:, at], weights) for at, name in enumerate(names)}
    found = {f"{metric}_{name}": figure for name, figures in each.items() for metric, figure in figures.items()}
    explained = [figures["r2"] for figures in each.values() if "r2" in figures]
    return found | ({"r2": float(np.mean(explained))} if explained else {})
