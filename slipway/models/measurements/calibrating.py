"""Measures a version's calibration on validation records, by curves that are judged on records they were not fitted to.

Three ways to map a score to a probability compete, each for all labels together and for each label alone: the score
itself, Platt's logistic curve and isotonic regression. The one with the least Brier score on held-out folds is kept,
fitted to all records.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from slipway.models.manifest import Form, Manifest
from slipway.models.measurements.calibration import POOLED, Array, Calibration, Curve, Method
from slipway.models.prediction.labels import Truth, confidence_of

LEAST_RECORDS = 50
"""With fewer labelled records, no calibration is measured."""

_FOLDS = 5
_SEED = 20_260_711
_LEAST_OF_LABEL = 200
_CELLS, _LEAST_OF_CELL = 50, 20
_SHOWN_CELLS = 20
_ERROR_CELLS = 15
_BLOCKS = 30
_LOW = -1.2816  # the normal quantile of the error probability of the dispersion's upper bound, a tenth
_POINTS = 33
_DIGITS = 6
_EDGE = 1e-6
_STEPS = 50
_RIDGE = 1e-6
_SMALL_STEP = 1e-10


@dataclass(frozen=True, slots=True)
class Scored:
    """Answers with a score: the predicted label, the score, and 1 if the answer was right, else 0."""

    labels: NDArray[np.object_]
    scores: Array
    right: Array

    def where(self, kept: NDArray[np.bool_]) -> "Scored":
        """The answers that a boolean array keeps."""
        return Scored(self.labels[kept], self.scores[kept], self.right[kept])


def measure_calibration(
    manifest: Manifest, outputs: Sequence[Mapping[str, Any]], truths: Sequence[Truth]
) -> Calibration | None:
    """The calibration of a version's answers; None for a regression, without scores, or with few records.

    ``outputs`` come from `Predictor.predict`, one for each of ``truths``; the model must not have seen the records.
    """
    scored = _scored(manifest, outputs, truths)
    return None if scored is None or len(scored.scores) < LEAST_RECORDS else calibrate(scored)


def calibrate(scored: Scored) -> Calibration:
    """The calibration by the method and grouping that does best on held-out folds."""
    folds = np.random.default_rng(_SEED).permutation(len(scored.scores)) % _FOLDS
    own = tuple(label for label, count in Counter(scored.labels.tolist()).items() if count >= _LEAST_OF_LABEL)
    groupings: list[tuple[str, ...]] = [(), own] if len(own) > 1 else [()]
    ways: list[tuple[Method, tuple[str, ...]]] = [
        (method, labels) for method in get_args(Method) for labels in groupings if method != "none" or not labels
    ]
    held_out = [_held_out(scored, folds, *way) for way in ways]
    briers = [float(np.square(found - scored.right).mean()) for found in held_out]
    best = int(np.argmin(briers))
    method, labels = ways[best]
    dispersion, most, block = _dispersion(held_out[best], scored.right)
    return Calibration(
        method=method,
        records=len(scored.scores),
        accuracy=_rounded(float(scored.right.mean())),
        error=_rounded(calibration_error(held_out[best], scored.right)),
        raw_error=_rounded(calibration_error(scored.scores, scored.right)),
        dispersion=_rounded(dispersion),
        most_dispersion=_rounded(most),
        block=block,
        curves=_curves(scored, method, labels),
    )


def calibration_error(probabilities: Array, right: Array) -> float:
    """The expected calibration error over cells of equal numbers of records (M. P. Naeini and others, 2015)."""
    order = np.argsort(probabilities, kind="stable")
    cells = np.array_split(order, min(_ERROR_CELLS, len(order)))
    gaps = [abs(float((probabilities[cell] - right[cell]).sum())) for cell in cells]
    return min(sum(gaps) / len(order), 1.0)


def _dispersion(probabilities: Array, right: Array) -> tuple[float, float, int]:
    """The dispersion between consecutive blocks and its upper bound, at least 1, and the size of a block.

    The mean of squared standardized sums is about a chi-squared by its degrees of freedom; the quantile is that of E.
    B. Wilson and M. M. Hilferty (1931).
    """
    blocks = min(_BLOCKS, len(right))
    size = len(right) // blocks
    rest, variance = right - probabilities, np.maximum(probabilities * (1 - probabilities), _EDGE)
    sums, variances = (each[: blocks * size].reshape(blocks, size).sum(axis=1) for each in (rest, variance))
    low = blocks * (1 - 2 / (9 * blocks) + _LOW * (2 / (9 * blocks)) ** 0.5) ** 3
    squares = float((sums**2 / variances).sum())
    return max(squares / blocks, 1.0), max(squares / low, 1.0), size


def _scored(manifest: Manifest, outputs: Sequence[Mapping[str, Any]], truths: Sequence[Truth]) -> Scored | None:
    form = manifest.outputs.form
    if form not in (Form.LABEL, Form.LABELS) or len(outputs) != len(truths):
        return None
    scores = [confidence_of(output) for output in outputs]
    if any(score is None for score in scores) or any(form not in output for output in outputs):
        return None
    if form is Form.LABEL:
        labels, right = (
            [str(each["label"]) for each in outputs],
            [o["label"] == t for o, t in zip(outputs, truths, strict=True)],
        )
    else:
        labels, right = (
            [POOLED] * len(outputs),
            [_is_same_set(o["labels"], t) for o, t in zip(outputs, truths, strict=True)],
        )
    return Scored(np.array(labels, dtype=object), np.array(scores, dtype=np.float64), np.array(right, dtype=np.float64))


def _is_same_set(predicted: Sequence[str], truth: Truth) -> bool:
    return set(predicted) == (set(truth) if isinstance(truth, tuple) else {truth})


def _held_out(scored: Scored, folds: NDArray[np.intp], method: Method, labels: tuple[str, ...]) -> Array:
    """The probability of each record by curves fitted to the other folds."""
    found = np.empty(len(scored.scores))
    for fold in range(_FOLDS):
        out = folds == fold
        curves = _curves(scored.where(~out), method, labels)
        names = np.array([label if label in curves else POOLED for label in scored.labels], dtype=object)
        for name, curve in curves.items():
            there = out & (names == name)
            found[there] = curve.at(scored.scores[there])
    return found


def _curves(scored: Scored, method: Method, labels: tuple[str, ...]) -> dict[str, Curve]:
    curves = {POOLED: _curve(scored, method)}
    return curves | {label: _curve(scored.where(scored.labels == label), method) for label in sorted(labels)}


def _curve(scored: Scored, method: Method) -> Curve:
    scores, right = scored.scores, scored.right
    points = {"none": _as_it_is, "platt": _platt, "isotonic": _isotonic}[method](scores, right)
    edges = _quantile_edges(scores, _SHOWN_CELLS)
    cells = np.searchsorted(edges, scores, side="left")
    counts = np.bincount(cells, minlength=len(edges) + 1)
    hits = np.bincount(cells, weights=right, minlength=len(edges) + 1)
    return Curve(
        scores=tuple(map(float, points[0])),
        probabilities=tuple(_rounded(float(each)) for each in np.clip(points[1], 0, 1)),
        edges=tuple(map(float, edges)),
        counts=tuple(map(int, counts)),
        right=tuple(map(int, hits)),
    )


def _as_it_is(scores: Array, right: Array) -> tuple[Array, Array]:  # noqa: ARG001 - one signature for every method
    ends = np.array([0.0, 1.0])
    return ends, ends


def _platt(scores: Array, right: Array) -> tuple[Array, Array]:
    """A logistic curve of the score's logit, by Newton's method, with the targets of J. C. Platt (1999)."""
    hits = right.sum()
    target = np.where(right > 0, (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2))
    x = np.stack([np.ones_like(scores), _logit(scores)])
    weights = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(weights @ x, -30, 30)))
        curvature = (x * (p * (1 - p))) @ x.T + _RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, x @ (target - p))
        weights = weights + np.clip(step, -2, 2)
        if np.abs(step).max() < _SMALL_STEP:
            break
    knots = _knots(scores)
    return knots, 1 / (1 + np.exp(-np.clip(weights[0] + weights[1] * _logit(knots), -30, 30)))


def _isotonic(scores: Array, right: Array) -> tuple[Array, Array]:
    """The best rising step function over cells of records, by pooling adjacent violators; linear between steps."""
    edges = _quantile_edges(scores, max(min(_CELLS, len(scores) // _LEAST_OF_CELL), 1))
    cells = np.searchsorted(edges, scores, side="left")
    blocks: list[_Block] = []
    for cell in range(len(edges) + 1):
        inside = cells == cell
        if not inside.any():
            continue
        middle = float(scores[inside].mean())
        blocks.append(_Block(middle, middle, float(inside.sum()), float(right[inside].sum())))
        while len(blocks) > 1 and blocks[-2].share >= blocks[-1].share:
            last = blocks.pop()
            blocks[-1] = blocks[-1].joined(last)
    flat = [(score, each.share) for each in blocks for score in dict.fromkeys((each.first, each.last))]
    points = np.array(flat)
    return points[:, 0], points[:, 1]


@dataclass(frozen=True, slots=True)
class _Block:
    """Adjacent cells with one share of right answers: the mean scores of the first and the last, and the counts."""

    first: float
    last: float
    records: float
    right: float

    @property
    def share(self) -> float:
        return self.right / self.records

    def joined(self, other: "_Block") -> "_Block":
        return _Block(self.first, other.last, self.records + other.records, self.right + other.right)


def _logit(scores: Array) -> Array:
    inside = np.clip(scores, _EDGE, 1 - _EDGE)
    logit: Array = np.log(inside / (1 - inside))
    return logit


def _knots(scores: Array) -> Array:
    """Scores, close where records are, at which a smooth curve is tabulated."""
    quantiles = np.quantile(scores, np.linspace(0, 1, _POINTS))
    knots: Array = np.unique(np.round(np.concatenate([quantiles, np.linspace(0, 1, _POINTS)]), _DIGITS))
    return knots


def _quantile_edges(scores: Array, cells: int) -> Array:
    """The inner edges of cells of about equal numbers of records; fewer where scores are equal."""
    if cells < 2:
        return np.empty(0)
    edges: Array = np.unique(np.round(np.quantile(scores, np.linspace(0, 1, cells + 1)[1:-1]), _DIGITS))
    inner: Array = edges[edges < scores.max()]
    return inner


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
