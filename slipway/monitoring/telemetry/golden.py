"""Count the versions that differ from their golden records, wherever they are loaded, and say why."""

import json
import time
from collections.abc import Callable
from typing import TypeVar

from slipway.errors import GoldenError, SlipwayError
from slipway.models.servable import golden_failure
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.metrics import metric_line

REASON = "Reason"
"""The member of a line that says why, which the release controller reads."""

Loaded = TypeVar("Loaded")


def golden_failure_line(
    project: str, model: str, version: int, error: GoldenError, *, clock: Callable[[], float] = time.time
) -> str:
    """The line, with its end, that counts one version that differs from its golden records."""
    dimensions = {metrics.PROJECT: project, metrics.MODEL: model, metrics.VERSION: str(version)}
    line = json.loads(metric_line({metrics.GOLDEN_FAILURES: 1}, dimensions, int(clock() * 1000)))
    return f"{json.dumps({**line, REASON: error.brief})}\n"


def counting_golden_failures(
    load: Callable[[str, int], Loaded], project: str, write: Callable[[str], None]
) -> Callable[[str, int], Loaded]:
    """A loader of versions that writes a line for each that differs from its golden records."""

    def loaded(model: str, version: int) -> Loaded:
        try:
            return load(model, version)
        except SlipwayError as error:
            if (failure := golden_failure(error)) is not None:
                write(golden_failure_line(project, model, version, failure))
            raise

    return loaded
