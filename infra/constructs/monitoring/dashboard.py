"""The dashboard of the light tier: traffic, latency, predictions, the store and the functions."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.bundling.models import DeployedModel
from infra.constructs.light.function import Function
from infra.constructs.monitoring.metrics import (
    MAXIMUM,
    MINUTE,
    PERCENTILES,
    ServiceMetrics,
    api_failures,
    api_latency,
    live_metric,
)
from slipway.config import Config
from slipway.config.heavy import SLOTS
from slipway.monitoring.telemetry import metrics

_THIRD, _HALF = 8, 12

Series = Sequence[cloudwatch.IMetric]


class Dashboard(Construct):
    """One row each for traffic, latency, models, the store and the functions.

    It is kept small because CloudWatch's free dashboards show at most 50 metrics.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        models: Sequence[DeployedModel],
        service_metrics: ServiceMetrics,
        functions: Sequence[Function],
        api_id: str,
        alarms: Sequence[cloudwatch.Alarm],
    ) -> None:
        super().__init__(scope, id_)
        self._service = service_metrics
        self._models = models
        self._functions = functions
        dashboard = cloudwatch.Dashboard(self, "Dashboard", period_override=cloudwatch.PeriodOverride.AUTO)
        dashboard.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", width=24, height=3, alarms=list(alarms)))
        dashboard.add_widgets(*self._traffic())
        dashboard.add_widgets(*self._latency(config, api_id))
        dashboard.add_widgets(*self._predictions())
        dashboard.add_widgets(*self._store())
        dashboard.add_widgets(*self._lambda())
        dashboard.add_widgets(*self._platform(config, api_id))
        self.dashboard = dashboard

    def _traffic(self) -> list[cloudwatch.IWidget]:
        # Only a slot has a queue whose share a caller can use up.
        possible = [kind for kind in metrics.Kind if kind is not metrics.Kind.THROTTLED]
        kinds = [(model.name, kind) for model in self._models for kind in possible]
        errors = [
            self._service.metric(metrics.ERRORS, label=f"{model} {kind}", Model=model, Kind=kind)
            for model, kind in (*kinds, (metrics.UNKNOWN_MODEL, metrics.Kind.NOT_FOUND))
        ]
        return [
            graph("Requests", self._per_model(metrics.REQUESTS), _THIRD),
            graph("Errors by kind", errors, _THIRD),
            graph("Faults, % of requests", [self._service.fault_percent()], _THIRD),
        ]

    def _latency(self, config: Config, api_id: str) -> list[cloudwatch.IWidget]:
        of_models = [
            self._service.metric(metrics.LATENCY, percentile, label=f"{model.name} {percentile}", Model=model.name)
            for model in self._models
            for percentile in PERCENTILES
        ]
        limit = cloudwatch.HorizontalAnnotation(
            value=config.monitoring.alarms.p99_milliseconds, label="alarm at p99 of all requests"
        )
        at_api = [api_latency(api_id, percentile) for percentile in PERCENTILES]
        return [
            graph("Latency in the service, ms", of_models, _HALF, limit=limit),
            graph("Latency at the API, ms", at_api, _HALF),
        ]

    def _predictions(self) -> list[cloudwatch.IWidget]:
        versions = [(model.name, version) for model in self._models for version in model.versions]
        predictions = [
            self._service.metric(metrics.PREDICTIONS, label=f"{name} {version}", Model=name, Version=str(version))
            for name, version in versions
        ]
        inference = [
            self._service.metric(
                metrics.INFERENCE_LATENCY, "p99", label=f"{name} {version}", Model=name, Version=str(version)
            )
            for name, version in versions
        ]
        return [
            graph("Predictions by version", predictions, _HALF),
            graph("Inference, p99, ms", inference, _HALF),
        ]

    def _store(self) -> list[cloudwatch.IWidget]:
        """Hits and misses of the store and the cache, for the models that use them."""
        readers = [model.name for model in self._models if model.groups]
        cached = [model.name for model in self._models if model.cached]
        ahead = [model.name for model in self._models if model.precomputed]
        reads = [*self._of_models(metrics.FEATURE_HITS, readers), *self._of_models(metrics.FEATURE_MISSES, readers)]
        lookups = [*self._of_models(metrics.CACHE_HITS, cached), *self._of_models(metrics.CACHE_MISSES, cached)]
        answers = [
            *self._of_models(metrics.PRECOMPUTED_HITS, ahead),
            *self._of_models(metrics.PRECOMPUTED_MISSES, ahead),
        ]
        graphs = (("Features read", reads), ("Prediction cache", lookups), ("Precomputed answers", answers))
        return [graph(title, series, _HALF) for title, series in graphs if series]

    def _lambda(self) -> list[cloudwatch.IWidget]:
        cold_starts = [
            self._service.metric(metrics.COLD_STARTS, label=function.name, Function=function.name)
            for function in self._functions
        ]
        durations = [live_metric(function, "Duration", "p99") for function in self._functions]
        return [
            graph("Cold starts", cold_starts, 6),
            graph("Throttles", [live_metric(function, "Throttles") for function in self._functions], 6),
            graph("Concurrent executions", [live_metric(self._functions[0], "ConcurrentExecutions", MAXIMUM)], 6),
            graph("Duration, p99, ms", durations, 6),
        ]

    def _platform(self, config: Config, api_id: str) -> list[cloudwatch.IWidget]:
        """The failures at the API that no function or task has counted, because it was not reached or crashed."""
        own: dict[str, cloudwatch.IMetric] = {"faults": self._service.metric(metrics.FAULTS)}
        slots = [(model, slot) for model in config.heavy_models for slot in SLOTS]
        own |= {
            f"slot{place}": self._service.metric(metrics.FAULTS, Model=model, Slot=slot)
            for place, (model, slot) in enumerate(slots)
        }
        rest = " - ".join(("FILL(answered, 0)", *(f"FILL({name}, 0)" for name in own)))
        refused = cloudwatch.MathExpression(
            # A request may be counted in the minute before its answer.
            expression=f"IF({rest} > 0, {rest}, 0)",
            using_metrics={"answered": api_failures(api_id), **own},
            label="5xx of AWS itself",
            period=MINUTE,
        )
        return [graph("Failures at the API that no function or task counted", [refused], 24)]

    def _per_model(self, name: str) -> list[cloudwatch.IMetric]:
        return self._of_models(name, [model.name for model in self._models], label=None)

    def _of_models(self, name: str, models: Sequence[str], *, label: str | None = "") -> list[cloudwatch.IMetric]:
        suffix = "" if label is None else f" {_WORDS[name]}"
        return [self._service.metric(name, label=f"{model}{suffix}", Model=model) for model in models]


_WORDS = {
    metrics.FEATURE_HITS: "found",
    metrics.FEATURE_MISSES: "missing",
    metrics.CACHE_HITS: "hits",
    metrics.CACHE_MISSES: "misses",
    metrics.PRECOMPUTED_HITS: "hits",
    metrics.PRECOMPUTED_MISSES: "misses",
}


def graph(
    title: str, series: Series, width: int, *, limit: cloudwatch.HorizontalAnnotation | None = None
) -> cloudwatch.GraphWidget:
    """A graph that starts at zero; ``limit`` is a horizontal line."""
    return cloudwatch.GraphWidget(
        title=title,
        left=list(series),
        width=width,
        height=6,
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        left_annotations=[limit] if limit else None,
    )
