"""The wanted traffic share of each version, written as a metric at each pass of the controller."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.instrumentation import single_metric_line
from slipway.releases.record.document import ReleaseRecord


def share_lines(project: str, records: Iterable[ReleaseRecord], now: datetime) -> Iterator[str]:
    """One newline-terminated log line for each version of each release."""
    milliseconds = int(now.timestamp() * 1000)
    for record in records:
        for version, share in record.weights.items():
            dimensions = {metrics.PROJECT: project, metrics.MODEL: record.model, metrics.VERSION: str(version)}
            yield f"{single_metric_line(metrics.SHARE, round(100 * share, 2), dimensions, milliseconds)}\n"
