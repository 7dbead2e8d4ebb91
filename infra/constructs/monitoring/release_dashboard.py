"""The dashboard of releases: the controller's runs, and each model's versions side by side."""

from collections.abc import Collection, Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.light.function import Function
from infra.constructs.monitoring.dashboard import graph
from infra.constructs.monitoring.metrics import AVERAGE, MAXIMUM, MINUTE, ServiceMetrics, live_metric
from slipway.monitoring.telemetry import metrics

_QUARTER, _THIRD = 6, 8

# As the judge counts them: by version's part of a request, and by request to a slot.
_FAILURES = {"light": metrics.FAILURES, "heavy": metrics.FAULTS}


class ReleaseDashboard(Construct):
    """The controller, and below it the rows of each model: its versions, its shadows, and what the monitor finds.

    Versions are searched for, because they may appear after a deploy. ``tiers`` has the tier of each model, and
    ``monitored`` the models that are captured, which the monitor looks at every ``period``. ``last`` is one more row.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        project: str,
        tiers: Mapping[str, str],
        controller: Function,
        timeout_seconds: int,
        alarms: Sequence[cloudwatch.Alarm],
        monitored: Collection[str] = (),
        period: cdk.Duration = MINUTE,
        last: Sequence[cloudwatch.IWidget] = (),
    ) -> None:
        super().__init__(scope, id_)
        self._service = ServiceMetrics(project)
        self._period = period
        dashboard = cloudwatch.Dashboard(self, "Dashboard", period_override=cloudwatch.PeriodOverride.AUTO)
        dashboard.add_widgets(*_controller(controller, timeout_seconds, alarms))
        for model, tier in tiers.items():
            dashboard.add_widgets(cloudwatch.TextWidget(markdown=f"## {model}, {tier}", width=24, height=1))
            dashboard.add_widgets(*self._versions(model, tier))
            dashboard.add_widgets(*self._shadows(model))
            if model in monitored:
                dashboard.add_widgets(*self._monitored(model))
        if last:
            dashboard.add_widgets(*last)

    def _versions(self, model: str, tier: str) -> list[cloudwatch.IWidget]:
        each, latency = self._service.each, metrics.INFERENCE_LATENCY
        shares = [self._share(model), each(metrics.SHARE, AVERAGE, model=model, word="wanted")]
        latencies = [each(latency, statistic, model=model, word=statistic) for statistic in ("p50", "p99")]
        reward = each(metrics.REWARD, AVERAGE, model=model)
        return [
            graph(f"{model}: traffic by version, %", shares, _QUARTER),
            graph(f"{model}: failures by version", [each(_FAILURES[tier], model=model)], _QUARTER),
            graph(f"{model}: inference by version, ms", latencies, _QUARTER),
            graph(f"{model}: mean reward by version", [reward], _QUARTER),
        ]

    def _share(self, model: str) -> cloudwatch.MathExpression:
        """Each version's share of a model's predictions."""
        made = self._service.each(metrics.PREDICTIONS, model=model)
        # CloudWatch prefixes this label to that of each version.
        return cloudwatch.MathExpression(
            expression="100 * made / SUM(made)", using_metrics={"made": made}, label="live", period=MINUTE
        )

    def _shadows(self, model: str) -> list[cloudwatch.IWidget]:
        """Shadows and the stable version, which are scored in the same process."""

        def each(name: str, statistic: str = cloudwatch.Stats.SUM, word: str = "") -> cloudwatch.IMetric:
            return self._service.each(name, statistic, model=model, by=metrics.SHADOW, word=word)

        compared = [each(metrics.COMPARED, word="compared"), each(metrics.DISAGREEMENTS, word="disagreements")]
        latencies = [each(metrics.INFERENCE_LATENCY, statistic, statistic) for statistic in ("p50", "p99")]
        return [
            graph(f"{model}: shadows, answers compared with the live ones", compared, _THIRD),
            graph(f"{model}: shadows, inference, ms", latencies, _THIRD),
            graph(f"{model}: shadows, failures", [each(metrics.FAILURES)], _THIRD),
        ]

    def _monitored(self, model: str) -> list[cloudwatch.IWidget]:
        """What the monitor writes once a period."""

        def each(name: str, statistic: str = MAXIMUM, word: str = "") -> cloudwatch.IMetric:
            return self._service.each(name, statistic, model=model, word=word, period=self._period)

        accuracy = [
            each(metrics.ESTIMATED_ACCURACY, word="estimated"),
            each(metrics.LABELLED_ACCURACY, word="labelled"),
        ]
        return [
            graph(f"{model}: columns that have drifted", [each(metrics.DRIFTED_COLUMNS)], _QUARTER),
            graph(f"{model}: largest drift of a column", [each(metrics.LARGEST_DRIFT)], _QUARTER),
            graph(f"{model}: accuracy", accuracy, _QUARTER),
            graph(f"{model}: labels that are needed", [each(metrics.LABELS_NEEDED)], _QUARTER),
        ]


def _controller(
    controller: Function, timeout_seconds: int, alarms: Sequence[cloudwatch.Alarm]
) -> list[cloudwatch.IWidget]:
    limit = cloudwatch.HorizontalAnnotation(value=1000 * timeout_seconds, label="timeout")
    counted = {"Invocations": "runs", "Errors": "failed"}
    calls = [live_metric(controller, name, label=word) for name, word in counted.items()]
    longest = live_metric(controller, "Duration", MAXIMUM, label="run")
    return [
        cloudwatch.AlarmStatusWidget(title="Alarms", width=_THIRD, height=6, alarms=list(alarms)),
        graph("Controller: runs and failures", calls, _THIRD),
        graph("Controller: longest run, ms", [longest], _THIRD, limit=limit),
    ]
