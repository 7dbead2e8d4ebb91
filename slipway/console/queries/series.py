"""Metrics over time: one GetMetricData for all that a page draws."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.aws.metric_data import MetricDataReader, MetricQuery
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.cloudwatch import total_of


@dataclass(frozen=True, slots=True)
class Series:
    """The values of metrics in the ``steps`` periods from ``start``."""

    start: datetime
    period: timedelta
    steps: int
    found: Mapping[MetricQuery, Mapping[datetime, float]]

    def values(self, query: MetricQuery) -> list[float | None]:
        """A metric's values in the order of time; None where there is no data."""
        found = self.found.get(query, {})
        return [found.get(at) for at in self.times()]

    def counts(self, *queries: MetricQuery) -> list[float]:
        """The sums of counters by time; no data is none."""
        columns = [self.values(query) for query in queries]
        return [sum(value or 0.0 for value in row) for row in zip(*columns, strict=True)]

    def points(self, query: MetricQuery, **names: str) -> Iterator[dict[str, Any]]:
        """The points of a chart, with ``names`` in each; times without data are left out."""
        for at, value in zip(self.times(), self.values(query), strict=True):
            if value is not None:
                yield {"time": at.isoformat(), "value": value, **names}

    def times(self) -> list[datetime]:
        """The beginnings of the periods."""
        return [self.start + number * self.period for number in range(self.steps)]

    def totals(self) -> dict[MetricQuery, float]:
        """One number for each metric with data, as `slipway status` shows it."""
        return {query: total_of(query, values.values()) for query, values in self.found.items() if values}


def read_series(
    wanted: Sequence[MetricQuery],
    client: Any,
    *,
    now: datetime,
    span: timedelta = timedelta(hours=1),
    period: timedelta = timedelta(minutes=1),
) -> Series:
    """Read metrics of the last ``span`` with boto3's client of CloudWatch; raises UnavailableError."""
    seconds = int(period.total_seconds())
    end = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds + seconds, now.tzinfo)
    unique = list(dict.fromkeys(wanted))
    values = MetricDataReader(client).read(unique, end - span, end, period)
    return Series(end - span, period, span // period, dict(zip(unique, values, strict=True)))


def of_project(project: str, metric: str, statistic: str, **dimensions: str) -> MetricQuery:
    """One of Slipway's own metrics."""
    return MetricQuery(metrics.NAMESPACE, metric, statistic, ((metrics.PROJECT, project), *dimensions.items()))
