"""Accuracy from labels as they come, with intervals for one look and for any number of looks."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from slipway.monitoring.accuracy.labelled_table import made_at
from slipway.monitoring.captures.reading import start_of_hour
from slipway.monitoring.steps import Labelled
from slipway.statistics.intervals import Interval, clustered_interval, share_interval, wilson_interval

LEAST_HOURS = 10
"""With labels of fewer hours, records count as independent of each other, and the result says so."""

_LEAST_VALUES = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """The share of right answers, or a regression's mean absolute error, among ``labels`` labelled records.

    ``units`` says what the intervals take as independent. They are None with too few labels.
    """

    metric: Literal["accuracy", "mean absolute error"]
    labels: int
    value: float
    once: Interval | None
    any_time: Interval | None
    units: Literal["hours", "records"]


def is_right(labelled: Labelled) -> bool:
    """Whether the predicted label, or the whole set of labels, is the true one."""
    return bool(labelled.predicted == labelled.true)


def error_of(labelled: Labelled) -> float | None:
    """A regression's absolute error, the mean of those by target; None for labels."""
    predicted, true = labelled.predicted, labelled.true
    if _is_number(predicted) and _is_number(true):
        return float(abs(predicted - true))
    if isinstance(predicted, Mapping) and isinstance(true, Mapping) and predicted and predicted.keys() == true.keys():
        return float(np.mean([abs(value - true[name]) for name, value in predicted.items()]))
    return None


def measured(labelled: Sequence[Labelled], *, alpha: float = 0.05) -> Measured | None:
    """The accuracy of some labelled records, or their mean absolute error; None without any."""
    if not labelled:
        return None
    errors = [error_of(each) for each in labelled]
    is_regression = errors[0] is not None
    values = np.array([e if e is not None else math.nan for e in errors]) if is_regression else _rights(labelled)
    if is_regression and np.isnan(values).any():
        return None
    metric: Literal["accuracy", "mean absolute error"] = "mean absolute error" if is_regression else "accuracy"
    totals, counts = by_hour(labelled, values)
    if len(counts) >= LEAST_HOURS:
        once, any_time = (clustered_interval(totals, counts, alpha, any_time=each) for each in (False, True))
        once, any_time = (_possible(each, is_regression=is_regression) for each in (once, any_time))
        return Measured(metric, len(values), float(values.mean()), once, any_time, "hours")
    return Measured(metric, len(values), float(values.mean()), *_of_records(values, metric, alpha), "records")


def by_segment(
    labelled: Iterable[Labelled], group_of: Callable[[Mapping[str, str], str], str], names: Iterable[str]
) -> dict[str, dict[str, list[Labelled]]]:
    """The labelled records by segment and group."""
    found: dict[str, dict[str, list[Labelled]]] = {name: defaultdict(list) for name in names}
    for each in labelled:
        for name, groups in found.items():
            groups[group_of(each.segments, name)].append(each)
    return {name: dict(groups) for name, groups in found.items()}


def by_hour(labelled: Sequence[Labelled], values: Any) -> tuple[Any, Any]:
    """The sum and the number of values of each hour of predictions, in order."""
    hours = [start_of_hour(made_at(each)).timestamp() for each in labelled]
    _, places = np.unique(hours, return_inverse=True)
    return np.bincount(places, weights=values), np.bincount(places).astype(float)


def _of_records(values: Any, metric: str, alpha: float) -> tuple[Interval | None, Interval | None]:
    if metric == "accuracy":
        right, n = float(values.sum()), len(values)
        return wilson_interval(right, n, alpha), share_interval(right, n, alpha)
    if len(values) < _LEAST_VALUES:
        return None, None
    ones = np.ones(len(values))
    once, any_time = (clustered_interval(values, ones, alpha, any_time=each) for each in (False, True))
    return _possible(once, is_regression=True), _possible(any_time, is_regression=True)


def _possible(interval: Interval, *, is_regression: bool) -> Interval:
    return interval.clipped(0.0, math.inf if is_regression else 1.0)


def _rights(labelled: Sequence[Labelled]) -> Any:
    return np.array([is_right(each) for each in labelled], dtype=float)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
