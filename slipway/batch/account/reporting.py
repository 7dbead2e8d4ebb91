"""The metrics of a job that has ended."""

from datetime import datetime

from slipway.batch.job import Summary
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.metrics import metric_line


def summary_line(project: str, summary: Summary, now: datetime) -> str:
    """The rows of a job and those that were rejected, as a line of the log."""
    values = {metrics.BATCH_ROWS: summary.rows, metrics.BATCH_REJECTED: summary.rejected}
    dimensions = {metrics.PROJECT: project, metrics.MODEL: summary.job.model}
    return f"{metric_line(values, dimensions, int(now.timestamp() * 1000))}\n"
