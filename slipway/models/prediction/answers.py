"""The answers of the built-in tasks: made of a graph's numbers, and compared with each other."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import PredictionError
from slipway.models.manifest import Form, Outputs
from slipway.models.prediction.labels import answered_labels

Answer = dict[str, Any]

# Above the effect of summation order in float32, below that of a rounded activation.
_BATCH_TOLERANCE = 1e-4
_SCORE_DIGITS = 6
SUM_TOLERANCE = 0.01
_TINY = 1e-9


def width(outputs: Outputs) -> int:
    """The numbers that a graph returns for one record."""
    return len(outputs.labels or outputs.target_names) or 1


def answers_of(outputs: Outputs, numbers: NDArray[Any]) -> list[Answer]:
    """Turn the graph's numbers, one row per record, into answers.

    Raises:
        PredictionError: a row has the wrong length, or its numbers are not probabilities, or not finite values.
    """
    match outputs.form:
        case Form.LABEL:
            return [_one_label(outputs.labels or (), row) for row in numbers.tolist()]
        case Form.LABELS:
            return [_labels(outputs, row) for row in numbers.tolist()]
        case Form.VALUE:
            return [{"value": shortest_decimal(value)} for value in _finite(numbers).reshape(-1)]
        case Form.VALUES:
            return [_values(outputs.target_names, row) for row in _finite(numbers)]


def _one_label(names: Sequence[str], row: list[float]) -> Answer:
    # NaN must fail this comparison.
    if len(row) != len(names) or not (abs(sum(row) - 1) < SUM_TOLERANCE and min(row) > -SUM_TOLERANCE):
        raise PredictionError(f"the graph returned {row}, which are not probabilities of {', '.join(names)}")
    best = max(row)
    return {"label": names[row.index(best)], "score": round(best, _SCORE_DIGITS), "scores": _scores(names, row)}


def _labels(outputs: Outputs, row: list[float]) -> Answer:
    """The labels over their thresholds, decided on the rounded scores that the caller sees."""
    names = outputs.labels or ()
    if len(row) != len(names) or not all(-SUM_TOLERANCE < value < 1 + SUM_TOLERANCE for value in row):
        raise PredictionError(f"the graph returned {row}, which are not a probability for each of {', '.join(names)}")
    scores = _scores(names, row)
    return {"labels": [name for name in names if scores[name] > outputs.threshold(name)], "scores": scores}


def _scores(names: Sequence[str], row: Sequence[float]) -> dict[str, float]:
    return {name: round(value, _SCORE_DIGITS) for name, value in zip(names, row, strict=True)}


def _values(names: Sequence[str], row: NDArray[Any]) -> Answer:
    if row.shape != (len(names),):
        raise PredictionError(f"the graph returned {row.tolist()}, which is not a value for each of {', '.join(names)}")
    return {"values": {name: shortest_decimal(value) for name, value in zip(names, row, strict=True)}}


def _finite(numbers: NDArray[Any]) -> NDArray[Any]:
    if not np.isfinite(numbers).all():
        raise PredictionError("the graph returned a value that is not a finite number")
    return numbers


def rounded_scores(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round as `_scores` does, if the rows were float32: only then is the product below exact."""
    scale = 10.0**_SCORE_DIGITS
    rounded: NDArray[np.float64] = np.rint(rows * scale) / scale
    return rounded


def shortest_decimal(value: Any) -> float:
    """The shortest decimal that equals the graph's float."""
    return float(str(value))


def is_judged(outputs: Outputs, output: Mapping[str, Any]) -> bool:
    """Whether an output has the form that the manifest states, which one of a user's own task need not have."""
    return outputs.form in output


def is_batch_independent(largest: float) -> bool:
    """Whether a difference between alone and in a batch is only rounding from the order of sums."""
    return largest <= _BATCH_TOLERANCE


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """The largest difference of scores, the relative difference of values, or 0 or 1 for other outputs."""
    if "scores" in one and "scores" in other:
        return max(float(abs(score - other["scores"][name])) for name, score in one["scores"].items())
    if "value" in one and "value" in other:
        return _relative(one["value"], other["value"])
    if _numbers(one) and _numbers(one).keys() == _numbers(other).keys():
        return max(_relative(value, _numbers(other)[name]) for name, value in _numbers(one).items())
    return float(one != other)


def _relative(one: float, other: float) -> float:
    return float(abs(one - other) / max(abs(one), _TINY))


def agree(one: Mapping[str, Any], other: Mapping[str, Any], tolerance: float, *, least: float = 0.0) -> bool:
    """Whether two answers are the same: their label, their set of labels, each value within a tolerance, or all of it.

    ``tolerance`` is relative to the larger value; values that differ by at most ``least`` are equal, too.
    """
    if Form.LABEL in one or Form.LABEL in other:
        return bool(one.get(Form.LABEL) == other.get(Form.LABEL))
    ours, theirs = _label_set(one), _label_set(other)
    if ours is not None or theirs is not None:
        return ours == theirs
    values, others = _numbers(one), _numbers(other)
    if values and values.keys() == others.keys():
        return all(
            math.isclose(value, others[name], rel_tol=tolerance, abs_tol=least) for name, value in values.items()
        )
    return dict(one) == dict(other)


def _label_set(answer: Mapping[str, Any]) -> frozenset[str] | None:
    labels = answered_labels(answer)
    return None if labels is None else frozenset(labels)


def _numbers(answer: Mapping[str, Any]) -> Mapping[str, float]:
    """The values by target; a single value has no name. Empty if the answer has no such numbers."""
    values = {"": answer[Form.VALUE]} if Form.VALUE in answer else answer.get(Form.VALUES)
    if Form.VALUE not in answer and len(answer) > 1:  # of a user's own task
        return {}
    if not isinstance(values, Mapping) or not all(_is_number(value) for value in values.values()):
        return {}
    return values


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
