"""The traffic of a model over time, by version: one GetMetricData for its whole page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slipway.aws.metric_data import MetricQuery
from slipway.config import Config
from slipway.config.heavy import SLOTS
from slipway.console.charts import Chart, lines
from slipway.console.queries.series import Series, of_project, read_series
from slipway.console.workspace import Workspace
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.cloudwatch import P99, SUM

P50, P90, AVERAGE = "p50", "p90", "Average"
_QUANTILES = (P50, P90, P99)
_RESOURCES = {"CPUUtilization": "CPU", "MemoryUtilization": "memory"}


@dataclass(frozen=True, slots=True)
class Span:
    """How far back charts look: at most some sixty points."""

    hours: int
    minutes: int

    @property
    def label(self) -> str:
        """`hour`, `6 hours`."""
        return "hour" if self.hours == 1 else f"{self.hours} hours"


SPANS = {"1": Span(1, 1), "6": Span(6, 5), "24": Span(24, 30), "168": Span(168, 180)}


@dataclass(frozen=True, slots=True)
class Shares:
    """Hits and misses of a cache or of the feature store."""

    name: str
    hits: float
    misses: float

    @property
    def share(self) -> float | None:
        """The share of hits; None without any look-up."""
        looked = self.hits + self.misses
        return self.hits / looked if looked else None


@dataclass(frozen=True, slots=True)
class ModelTraffic:
    """A model's charts and totals of a span of time."""

    requests: float
    latencies: dict[str, float | None]
    errors: dict[str, float]
    charts: tuple[Chart, ...]
    shares: tuple[Shares, ...]
    golden_failures: dict[int, int]


def model_traffic(workspace: Workspace, model: str, span: Span) -> ModelTraffic:
    """The traffic of a model, of one GetMetricData; raises UnavailableError."""
    config = workspace.config()
    wanted = _Wanted(config, model, _services(workspace, model))
    client, now = workspace.client("cloudwatch"), workspace.clock()
    period = timedelta(minutes=span.minutes)
    series = read_series(wanted.all(), client, now=now, span=timedelta(hours=span.hours), period=period)
    totals = series.totals()
    by_kind = {str(kind): totals.get(query, 0.0) for kind, query in wanted.errors.items()}
    return ModelTraffic(
        requests=totals.get(wanted.requests, 0.0),
        latencies={name: totals.get(query) for name, query in wanted.latencies.items()},
        errors={kind: count for kind, count in by_kind.items() if count},
        charts=tuple(_charts(wanted, series)),
        shares=tuple(_shares(wanted, totals)),
        golden_failures={version: int(totals.get(query, 0)) for version, query in wanted.golden.items()},
    )


def _services(workspace: Workspace, model: str) -> dict[str, tuple[str, str]]:
    """The cluster and the service of each slot of a heavy model."""
    if workspace.model(model).tier != "heavy":
        return {}
    names = workspace.deployed().slots(model)
    # ECS's metrics have names, where the outputs may have ARNs.
    return {slot: (names.cluster.rpartition("/")[2], names.services[slot].rpartition("/")[2]) for slot in SLOTS}


class _Wanted:
    """The metrics of a model, by what they are shown as."""

    def __init__(self, config: Config, model: str, services: Mapping[str, tuple[str, str]]) -> None:
        self._project, self._model = config.project, model
        versions = config.models[model].versions
        self.requests = self._of(metrics.REQUESTS, SUM)
        self.latencies = {name: self._of(metrics.LATENCY, name) for name in _QUANTILES}
        self.errors = {kind: self._of(metrics.ERRORS, SUM, Kind=kind) for kind in metrics.Kind}
        self.predictions = {v: self._of(metrics.PREDICTIONS, SUM, Version=str(v)) for v in versions}
        self.inference = {v: self._of(metrics.INFERENCE_LATENCY, P99, Version=str(v)) for v in versions}
        self.failures = {v: self._of(metrics.FAILURES, SUM, Version=str(v)) for v in versions}
        self.golden = {v: self._of(metrics.GOLDEN_FAILURES, SUM, Version=str(v)) for v in versions}
        self.hits = {
            name: (self._of(hits, SUM), self._of(misses, SUM))
            for name, hits, misses in (
                ("prediction cache", metrics.CACHE_HITS, metrics.CACHE_MISSES),
                ("feature store", metrics.FEATURE_HITS, metrics.FEATURE_MISSES),
            )
        }
        self.resources = {
            (slot, _RESOURCES[metric]): MetricQuery(
                "AWS/ECS", metric, AVERAGE, (("ClusterName", cluster), ("ServiceName", service))
            )
            for slot, (cluster, service) in services.items()
            for metric in _RESOURCES
        }
        self.tasks = {slot: self._of(metrics.WANTED_TASKS, "Maximum", Slot=slot) for slot in services}

    def all(self) -> list[MetricQuery]:
        """Every one of them."""
        groups: Iterable[Mapping[Any, MetricQuery]] = (
            self.latencies, self.errors, self.predictions, self.inference, self.failures, self.golden, self.resources,
            self.tasks,
        )  # fmt: skip
        pairs = [query for pair in self.hits.values() for query in pair]
        return [self.requests, *pairs, *(query for group in groups for query in group.values())]

    def _of(self, metric: str, statistic: str, **dimensions: str) -> MetricQuery:
        return of_project(self._project, metric, statistic, Model=self._model, **dimensions)


def _shares(wanted: _Wanted, totals: Mapping[MetricQuery, float]) -> Iterator[Shares]:
    for name, (hits, misses) in wanted.hits.items():
        yield Shares(name, totals.get(hits, 0.0), totals.get(misses, 0.0))


def _charts(wanted: _Wanted, series: Series) -> Iterator[Chart]:
    span = (series.start, series.start + series.steps * series.period)
    versions = _joined(series, {f"version {version}": query for version, query in wanted.predictions.items()})
    yield lines("Predictions by version", versions, series="of", domain=span, title="predictions")
    latencies = _joined(series, wanted.latencies)
    yield lines("Latency of requests, ms", latencies, series="of", domain=span, title="ms", y_format=",.3~f")
    inference = _joined(series, {f"version {version}": query for version, query in wanted.inference.items()})
    yield lines(
        "Inference alone by version, p99, ms", inference, series="of", domain=span, title="ms", y_format=",.3~f"
    )
    errors = _joined(series, {str(kind): query for kind, query in wanted.errors.items()})
    yield lines("Errors by kind", errors, series="of", domain=span, title="errors")
    if wanted.resources:
        resources = _joined(series, {f"{slot} {name}": query for (slot, name), query in wanted.resources.items()})
        yield lines("CPU and memory of the tasks, %", resources, series="of", domain=span, title="%")
        tasks = _joined(series, wanted.tasks)
        yield lines("Tasks that each slot should have", tasks, series="of", domain=span, title="tasks", y_format="d")


def _joined(series: Series, named: Mapping[str, MetricQuery]) -> list[dict[str, Any]]:
    return [point for name, query in named.items() for point in series.points(query, of=name)]
