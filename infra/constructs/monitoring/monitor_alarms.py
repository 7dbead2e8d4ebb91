"""The alarms on what the monitor finds."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.basics.alarm import standing_alarm
from infra.constructs.monitoring.metrics import MAXIMUM, ServiceMetrics
from slipway.config import Config
from slipway.monitoring.telemetry import metrics

_STATES: Mapping[str, tuple[str, str]] = {
    "Drifted": (
        metrics.DRIFTED_COLUMNS,
        "Inputs or outputs of a model differ from its baseline; see `slipway monitor drift`",
    ),
    "Inaccurate": (metrics.ACCURACY_FALLEN, "A model is less accurate than it was; see `slipway monitor accuracy`"),
    "Skewed": (metrics.SKEWED_ROWS, "Features that were served differ from their history; see `slipway monitor skew`"),
    "Late": (metrics.PROFILES_LATE, "The monitor does not keep up: periods have closed whose profiles are not made"),
}


class MonitorAlarms(Construct):
    """One alarm for each state, over all models: one for every model would cost more than many a model does.

    The monitor itself sends a message for each new finding, which names model, version and columns.
    """

    def __init__(self, scope: Construct, id_: str, *, config: Config, topic: sns.ITopic) -> None:
        super().__init__(scope, id_)
        service, period = ServiceMetrics(config.project), cdk.Duration.minutes(config.monitoring.minutes)
        self.alarms: list[cloudwatch.Alarm] = [
            standing_alarm(
                self,
                id_,
                topic=topic,
                metric=service.metric(name, MAXIMUM).with_(period=period),
                description=description,
            )
            for id_, (name, description) in _STATES.items()
            if config.monitoring.alarms.findings and (name != metrics.SKEWED_ROWS or config.recorded_groups)
        ]
