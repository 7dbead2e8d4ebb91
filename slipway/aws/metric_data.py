"""Reads metrics from CloudWatch with GetMetricData."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.aws.clients import answered_by
from slipway.errors import UnavailableError

QUERIES_PER_CALL = 500
_UNREADABLE = frozenset({"InternalError", "Forbidden"})


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """One statistic of a metric under one set of dimensions."""

    namespace: str
    metric: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]


class MetricDataReader:
    """Reads any number of metrics; ``client`` is a boto3 CloudWatch client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(
        self, queries: Sequence[MetricQuery], start: datetime, end: datetime, period: timedelta
    ) -> list[dict[datetime, float]]:
        """Return each query's values by period start; periods without data are left out.

        Raises:
            UnavailableError: CloudWatch cannot be reached, or fails to read one of the metrics.
        """
        values: list[dict[datetime, float]] = []
        for first in range(0, len(queries), QUERIES_PER_CALL):
            values += self._call(queries[first : first + QUERIES_PER_CALL], start, end, period)
        return values

    def _call(
        self, queries: Sequence[MetricQuery], start: datetime, end: datetime, period: timedelta
    ) -> list[dict[datetime, float]]:
        values: list[dict[datetime, float]] = [{} for _ in queries]
        request = {
            "MetricDataQueries": [_request(place, query, period) for place, query in enumerate(queries)],
            "StartTime": start,
            "EndTime": end,
        }
        with answered_by("CloudWatch"):
            for page in self._client.get_paginator("get_metric_data").paginate(**request):
                for result in page["MetricDataResults"]:
                    _check(result)
                    found = values[int(result["Id"].removeprefix("m"))]
                    found.update(zip(result["Timestamps"], result["Values"], strict=True))
        return values


def _request(place: int, query: MetricQuery, period: timedelta) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in query.dimensions]
    metric = {"Namespace": query.namespace, "MetricName": query.metric, "Dimensions": dimensions}
    stat = {"Metric": metric, "Period": int(period.total_seconds()), "Stat": query.statistic}
    return {"Id": f"m{place}", "MetricStat": stat}


def _check(result: Mapping[str, Any]) -> None:
    """Raise UnavailableError if CloudWatch failed to read a metric, which would otherwise look like missing data."""
    if result.get("StatusCode") in _UNREADABLE:
        raise UnavailableError("CloudWatch", f"it could not tell {result.get('Label', 'a metric')}")
