"""The row of batch jobs on the dashboard of releases."""

from collections.abc import Iterable

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.constructs.batch.machine import machine_name
from infra.constructs.monitoring.dashboard import graph
from infra.constructs.monitoring.metrics import SUM, ServiceMetrics
from slipway.monitoring.telemetry import metrics

_THIRD = 8
_PERIOD = cdk.Duration.minutes(5)
_ENDED = {"ExecutionsSucceeded": "succeeded", "ExecutionsFailed": "failed", "ExecutionsAborted": "cancelled"}


def batch_row(stack: cdk.Stack, *, project: str, models: Iterable[str]) -> list[cloudwatch.IWidget]:
    """Jobs by how they ended, and rows by model. The state machine, which a later stack has, is known by its name."""
    machine = stack.format_arn(
        service="states",
        resource="stateMachine",
        resource_name=machine_name(project),
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    ended = [
        cloudwatch.Metric(
            namespace="AWS/States",
            metric_name=name,
            dimensions_map={"StateMachineArn": machine},
            statistic=SUM,
            period=_PERIOD,
            label=label,
        )
        for name, label in _ENDED.items()
    ]
    service = ServiceMetrics(project)

    def of_models(name: str) -> list[cloudwatch.IMetric]:
        return [service.metric(name, label=model, Model=model).with_(period=_PERIOD) for model in sorted(models)]

    return [
        graph("Batch: jobs by how they ended", list(ended), _THIRD),
        graph("Batch: rows", of_models(metrics.BATCH_ROWS), _THIRD),
        graph("Batch: rejected rows", of_models(metrics.BATCH_REJECTED), _THIRD),
    ]
