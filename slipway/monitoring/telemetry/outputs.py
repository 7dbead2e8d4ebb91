"""Records the outputs of a version, for comparing versions."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from slipway.models.prediction.labels import answered_labels
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.dimensions import dimension_value
from slipway.monitoring.telemetry.requests import RequestEvent


def count_output(event: RequestEvent, output: Mapping[str, Any], weight: float = 1, /, **dimensions: str) -> None:
    """Add labels and a score with a weight, or record the values; ``dimensions`` name the version or shadow."""
    label, score, value = output.get("label"), output.get("score"), output.get("value")
    if label is not None:
        event.count(metrics.LABELS, weight, **dimensions, Label=dimension_value(str(label)))
    elif (labels := answered_labels(output)) is not None:
        _count_labels(event, labels, weight, dimensions)
    if isinstance(score, float):
        event.count(metrics.SCORED, weight, **dimensions)
        event.count(metrics.SCORES, weight * score, **dimensions)
    if isinstance(value, float) and isfinite(value):
        event.observe(metrics.VALUES if value >= 0 else metrics.NEGATIVE_VALUES, abs(value), **dimensions)
    elif isinstance(values := output.get("values"), Mapping):
        _observe_targets(event, values, dimensions)


def _observe_targets(event: RequestEvent, values: Mapping[str, Any], dimensions: Mapping[str, str]) -> None:
    for target, value in values.items():
        if isinstance(value, float) and isfinite(value):
            name = metrics.TARGET_VALUES if value >= 0 else metrics.NEGATIVE_TARGET_VALUES
            event.observe(name, abs(value), **dimensions, Target=dimension_value(target))


def _count_labels(event: RequestEvent, labels: Sequence[str], weight: float, dimensions: Mapping[str, str]) -> None:
    """Add a multi-label record once, and once to each of its labels."""
    event.count(metrics.LABELLED, weight, **dimensions)
    for label in dict.fromkeys(labels):
        event.count(metrics.LABELS, weight, **dimensions, Label=dimension_value(label))
