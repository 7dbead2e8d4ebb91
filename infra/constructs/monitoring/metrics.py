"""The metrics of dashboards and alarms, which the functions and AWS write."""

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
    """The metrics of one project that Slipway's functions write."""

    def __init__(self, project: str) -> None:
        self._project = project

    def metric(
        self, name: str, statistic: str = SUM, *, label: str | None = None, **dimensions: str
    ) -> cloudwatch.Metric:
        """A metric of the catalogue, by name and dimensions other than the project (``Model="…"``)."""
        return cloudwatch.Metric(
            namespace=metrics.NAMESPACE,
            metric_name=name,
            dimensions_map={metrics.PROJECT: self._project, **dimensions},
            statistic=statistic,
            period=MINUTE,
            label=label,
        )

    def each(
        self,
        name: str,
        statistic: str = SUM,
        *,
        model: str,
        by: str = metrics.VERSION,
        word: str = "",
        period: cdk.Duration = MINUTE,
    ) -> cloudwatch.MathExpression:
        """A model's metric for every version that has one, or for every value of another dimension.

        Versions are searched for, because they may appear after a deploy. ``word`` follows the version in the label.
        """
        schema = ",".join((metrics.NAMESPACE, metrics.PROJECT, metrics.MODEL, by))
        wanted = f'{metrics.PROJECT}="{self._project}" {metrics.MODEL}="{model}" MetricName="{name}"'
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{{{schema}}} {wanted}', '{statistic}', {period.to_seconds():.0f})",
            using_metrics={},
            label=f"{by.lower()} ${{PROP('Dim.{by}')}} {word}".strip(),
            period=period,
        )

    def fault_percent(self, *, of: str = "", **dimensions: str) -> cloudwatch.MathExpression:
        """The percentage of requests with a fault of the service; no data without requests.

        ``of`` precedes the label.
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


def new_version_failures(service: ServiceMetrics, function: Function) -> cloudwatch.MathExpression:
    """The percentage of a function's calls that the version of this deploy failed; 100 if it crashed."""
    version = function.alias.version.version
    return cloudwatch.MathExpression(
        expression="IF(FILL(crashes, 0) > 0, 100, 100 * FILL(faults, 0) / calls)",
        using_metrics={
            "crashes": live_metric(function, "Errors", version=version),
            "calls": live_metric(function, "Invocations", version=version),
            "faults": service.metric(metrics.FAULTS, Function=function.name, ExecutedVersion=version),
        },
        period=MINUTE,
        label=f"{function.name}, failures of the new version, %",
    )


def live_metric(
    function: Function, name: str, statistic: str = SUM, *, label: str | None = None, version: str | None = None
) -> cloudwatch.Metric:
    """Lambda's metric of a function's alias `live`; the default label is the function's name.

    With ``version``, only the calls that this version of the function executed, while the alias leads to two.
    """
    deployed = function.function
    dimensions = {"FunctionName": deployed.function_name, "Resource": f"{deployed.function_name}:{ALIAS}"}
    if version is not None:
        dimensions["ExecutedVersion"] = version
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=MINUTE,
        label=label or function.name,
    )


def api_failures(api_id: str) -> cloudwatch.Metric:
    """The answers of the API with a 5xx status, whoever gave them."""
    return _of_api(api_id, "5xx", SUM, "API 5xx")


def api_latency(api_id: str, statistic: str) -> cloudwatch.Metric:
    """The latency that clients see, as API Gateway measures it."""
    return _of_api(api_id, "Latency", statistic, f"API {statistic}")


def _of_api(api_id: str, name: str, statistic: str, label: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/ApiGateway",
        metric_name=name,
        dimensions_map={"ApiId": api_id, "Stage": "$default"},
        statistic=statistic,
        period=MINUTE,
        label=label,
    )
