"""The number of tasks that each slot should have healthy, written as a metric at each pass of the controller."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.instrumentation import single_metric_line


def task_lines(project: str, model: str, wanted: Mapping[str, int], now: datetime) -> Iterator[str]:
    """One newline-terminated log line for each slot of a model."""
    milliseconds = int(now.timestamp() * 1000)
    for slot, count in wanted.items():
        dimensions = {metrics.PROJECT: project, metrics.MODEL: model, metrics.SLOT: slot}
        yield f"{single_metric_line(metrics.WANTED_TASKS, count, dimensions, milliseconds)}\n"
