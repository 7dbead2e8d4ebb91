"""What a candidate begins, written before it is done: one that hangs or takes its process down writes nothing after."""

import time
from collections.abc import Callable

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.instrumentation import single_metric_line
from slipway.monitoring.telemetry.requests import write_to_stdout


class Attempts:
    """Writes a line to standard output for each attempt.

    Args:
        project: the value of the dimension `Project`.
        write: takes whole lines; by default standard output.
        clock: seconds since the epoch.
    """

    def __init__(
        self, project: str, *, write: Callable[[str], None] = write_to_stdout, clock: Callable[[], float] = time.time
    ) -> None:
        self._project = project
        self._write = write
        self._clock = clock

    def __call__(self, model: str, version: int) -> None:
        """Count one attempt of a version."""
        dimensions = {metrics.PROJECT: self._project, metrics.MODEL: model, metrics.VERSION: str(version)}
        self._write(f"{single_metric_line(metrics.ATTEMPTS, 1, dimensions, int(self._clock() * 1000))}\n")
