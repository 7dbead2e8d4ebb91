"""Reads Slipway's recent metrics from CloudWatch."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from slipway.aws.clients import new_client
from slipway.aws.metric_data import MetricDataReader, MetricQuery

SUM = "Sum"
P99 = "p99"


class CloudWatchMetrics:
    """Reads the metrics of the last minutes; ``options`` go to the boto3 client."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._reader = MetricDataReader(new_client("cloudwatch", options))

    def read(self, wanted: Sequence[MetricQuery], *, now: datetime, minutes: int) -> dict[MetricQuery, float]:
        """Return one number for each metric with data in the last ``minutes``: the sum, or the largest percentile.

        CloudWatch aligns periods of that length to the clock, so the last minutes can span two of them.

        Raises:
            UnavailableError: CloudWatch cannot be reached.
        """
        span = timedelta(minutes=minutes)
        found = zip(wanted, self._reader.read(wanted, now - span, now, span), strict=True)
        return {query: total_of(query, values.values()) for query, values in found if values}


def total_of(query: MetricQuery, values: Iterable[float]) -> float:
    """One number of a metric's values: their sum, or the largest percentile."""
    return sum(values) if query.statistic == SUM else max(values)
