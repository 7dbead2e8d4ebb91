"""What becomes of versions that did not prove themselves as a process started."""

from collections.abc import Callable

from slipway.models.servable import golden_failure
from slipway.monitoring.telemetry.golden import golden_failure_line
from slipway.serving.prediction.served import ServedModels


def count_failures(served: ServedModels, write: Callable[[str], None]) -> None:
    """Write a line for each loaded version that differs from its golden records; it is answered 503."""
    for (model, version), failure in served.failures.items():
        if (error := golden_failure(failure)) is not None:
            write(golden_failure_line(served.config.project, model, version, error))


def require_stable(served: ServedModels) -> None:
    """Raise the GoldenError of a stable version, before a snapshot of the process would be deployed."""
    for (model, version), failure in served.failures.items():
        error = golden_failure(failure)
        if error is not None and version == served.releases.of(model).stable:
            raise error
