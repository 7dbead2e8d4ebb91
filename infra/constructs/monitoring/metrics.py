"""The metrics that dashboards and alarms read, as the functions and AWS write them."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.constructs.light.function import ALIAS, Function
from slipway.monitoring.telemetry import metrics

MINUTE = cdk.Duration.minutes(1)
SUM = cloudwatch.Stats.SUM
MAXIMUM = cloudwatch.Stats.MAXIMUM
AVERAGE = cloudwatch.Stats.AVERAGE
PERCENTILES = ("p50", "p90", "p99")


class ServiceMetrics:
    """The metrics that Slipway's functions write, of one project."""

    def __init__(self, project: str) -> None:
        self._project = project

    def metric(
        self, name: str, statistic: str = SUM, *, label: str | None = None, **dimensions: str
    ) -> cloudwatch.Metric:
        """A metric of the catalogue, by its name and its dimensions besides the project (``Model="…"``)."""
        return cloudwatch.Metric(
            namespace=metrics.NAMESPACE,
            metric_name=name,
            dimensions_map={metrics.PROJECT: self._project, **dimensions},
            statistic=statistic,
            period=MINUTE,
            label=label,
        )

    def each(
        self, name: str, statistic: str = SUM, *, model: str, by: str = metrics.VERSION, word: str = ""
    ) -> cloudwatch.MathExpression:
        """A model's metric for every version that wrote one, or every value of another dimension.

        A version may come after a deploy, so none is named. ``word`` follows it in the label.
        """
        schema = ",".join((metrics.NAMESPACE, metrics.PROJECT, metrics.MODEL, by))
        wanted = f'{metrics.PROJECT}="{self._project}" {metrics.MODEL}="{model}" MetricName="{name}"'
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{{{schema}}} {wanted}', '{statistic}', {MINUTE.to_seconds()})",
            using_metrics={},
            label=f"{by.lower()} ${{PROP('Dim.{by}')}} {word}".strip(),
            period=MINUTE,
        )

    def fault_percent(self, *, of: str = "", **dimensions: str) -> cloudwatch.MathExpression:
        """The share of requests that failed through the service's fault; none where there was no request.

        ``of`` says in the label whose requests these are.
        """
        return cloudwatch.MathExpression(
            expression="100 * FILL(faults, 0) / requests",
            using_metrics={
                "faults": self.metric(metrics.FAULTS, **dimensions),
                "requests": self.metric(metrics.REQUESTS, **dimensions),
            },
            period=MINUTE,
            label=f"{of} faults, % of requests".strip(),
        )


def live_metric(function: Function, name: str, statistic: str = SUM, *, label: str | None = None) -> cloudwatch.Metric:
    """A metric that Lambda writes about the alias `live` of a function, whose name is the label if none is given."""
    deployed = function.function
    dimensions = {"FunctionName": deployed.function_name, "Resource": f"{deployed.function_name}:{ALIAS}"}
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=MINUTE,
        label=label or function.name,
    )


def api_latency(api_id: str, statistic: str) -> cloudwatch.Metric:
    """What a client waits, by the gateway's clock."""
    return cloudwatch.Metric(
        namespace="AWS/ApiGateway",
        metric_name="Latency",
        dimensions_map={"ApiId": api_id, "Stage": "$default"},
        statistic=statistic,
        period=MINUTE,
        label=f"API {statistic}",
    )
