"""Records a candidate's attempts before they run, since one that hangs or crashes its process records nothing after."""

import time
from collections.abc import Callable

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.instrumentation import single_metric_line
from slipway.monitoring.telemetry.requests import write_to_stdout


class Attempts:
    """Writes a metric line for each attempt.

    Args:
        project: the value of the dimension `Project`.
        write: receives whole lines; by default writes to standard output.
        clock: seconds since the epoch.
    """

    def __init__(
        self, project: str, *, write: Callable[[str], None] = write_to_stdout, clock: Callable[[], float] = time.time
    ) -> None:
        self._project = project
        self._write = write
        self._clock = clock

    def __call__(self, model: str, version: int) -> None:
        """Record one attempt by a version."""
        dimensions = {metrics.PROJECT: self._project, metrics.MODEL: model, metrics.VERSION: str(version)}
        self._write(f"{single_metric_line(metrics.ATTEMPTS, 1, dimensions, int(self._clock() * 1000))}\n")
