"""Reads metrics back from CloudWatch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.aws.clients import answered_by, new_client
from slipway.monitoring.telemetry.metrics import NAMESPACE

_QUERIES_PER_CALL = 500
SUM = "Sum"
P99 = "p99"


@dataclass(frozen=True, slots=True)
class Series:
    """A metric of Slipway's under one set of dimensions, in one statistic."""

    metric: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]


class CloudWatchMetrics:
    """Slipway's metrics; ``options`` are those of boto3's client."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._client = new_client("cloudwatch", options)

    def read(self, wanted: Sequence[Series], *, now: datetime, minutes: int) -> dict[Series, float]:
        """One number for each series with data in the last minutes: the sum, or the largest percentile.

        CloudWatch answers by fixed spans of that length, of which the last minutes can touch two.

        Raises:
            UnavailableError: CloudWatch cannot be asked.
        """
        found: dict[Series, float] = {}
        for part in _parts(wanted):
            for series, values in zip(part, self._values(part, now, minutes), strict=True):
                if values:
                    found[series] = sum(values) if series.statistic == SUM else max(values)
        return found

    def _values(self, wanted: Sequence[Series], now: datetime, minutes: int) -> list[list[float]]:
        values: list[list[float]] = [[] for _ in wanted]
        request = {
            "MetricDataQueries": [_query(place, series, minutes) for place, series in enumerate(wanted)],
            "StartTime": now - timedelta(minutes=minutes),
            "EndTime": now,
        }
        with answered_by("CloudWatch"):
            for page in self._client.get_paginator("get_metric_data").paginate(**request):
                for result in page["MetricDataResults"]:
                    values[int(result["Id"].removeprefix("m"))] += result["Values"]
        return values


def _parts(wanted: Sequence[Series]) -> Iterator[Sequence[Series]]:
    return (wanted[first : first + _QUERIES_PER_CALL] for first in range(0, len(wanted), _QUERIES_PER_CALL))


def _query(place: int, series: Series, minutes: int) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in series.dimensions]
    metric = {"Namespace": NAMESPACE, "MetricName": series.metric, "Dimensions": dimensions}
    return {"Id": f"m{place}", "MetricStat": {"Metric": metric, "Period": 60 * minutes, "Stat": series.statistic}}
