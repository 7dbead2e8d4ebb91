"""The monitor of captured models: a function on a schedule, and what it may read and write."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge_wildcards, exported_name
from infra.constructs.basics.alarm import alarm
from infra.constructs.light.function import Function
from infra.constructs.monitoring.metrics import live_metric
from infra.constructs.monitoring.monitor_alarms import MonitorAlarms
from slipway.config import Config
from slipway.config.deployment.environment import (
    ALARM_TOPIC,
    CAPTURE_BUCKET,
    CONTROL_TABLE,
    HISTORY_BUCKET,
    MODEL_BUCKET,
)
from slipway.features.history.files import LINES, group_folder
from slipway.models.measurements.measured import MEASUREMENTS
from slipway.models.package import MANIFEST
from slipway.models.registry.versions import model_prefix
from slipway.monitoring.captures.parsing import FOLDER
from slipway.monitoring.captures.reservoir import FOLDER as RESERVOIR
from slipway.monitoring.event_bus import SOURCE
from slipway.monitoring.profiles.ledger import LEDGERS
from slipway.monitoring.profiles.store import PROFILES
from slipway.monitoring.state import MONITORING

# One whole processor. A million captures of 16 inputs take 32 s of it and 110 MB: `python -m benchmarks.profiles`.
_SETTINGS = {"memory_mb": 1769, "timeout_seconds": 900, "snap_start": False}

READS = (FOLDER, PROFILES, LEDGERS, MONITORING)
WRITES = (PROFILES, LEDGERS, MONITORING, RESERVOIR)
"""The folders of the bucket of captures that the monitor reads and writes."""


class Monitoring(Construct):
    """The function `monitor`, which one rule calls; two runs at once are harmless, since one of them does nothing."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        bundle: Path,
        control: dynamodb.ITable,
        models: s3.IBucket,
        captures: s3.IBucket,
        history: s3.IBucket,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id_)
        self._config = config
        self.function = Function(
            self,
            "Function",
            project=config.project,
            name="monitor",
            bundle=bundle,
            settings=config.light.model_copy(update=_SETTINGS),
            monitoring=config.monitoring,
            environment={
                CAPTURE_BUCKET: captures.bucket_name,
                CONTROL_TABLE: control.table_name,
                MODEL_BUCKET: models.bucket_name,
                ALARM_TOPIC: topic.topic_arn,
                **({HISTORY_BUCKET: history.bucket_name} if config.recorded_groups else {}),
            },
        )
        self._allow_files(captures)
        if config.recorded_groups:
            self._allow_history(history)
        self._allow_versions(control, models)
        self.function.allow_on_table(control, "Query", partitions="labelled#*")
        self._allow_events()
        self._allow_messages(topic)
        self._schedule()
        self.alarms = [self._watch(topic), *MonitorAlarms(self, "Findings", config=config, topic=topic).alarms]
        cdk.CfnOutput(cdk.Stack.of(self), "MonitorFunction", value=self.function.function.function_name)

    def _allow_files(self, captures: s3.IBucket) -> None:
        # Without this right, S3 answers that an object which is not there is forbidden.
        self.function.allow(["s3:ListBucket"], captures.bucket_arn)
        for folder in dict.fromkeys((*READS, *WRITES)):
            folders = {"s3:GetObject": READS, "s3:PutObject": WRITES}
            actions = [action for action, allowed in folders.items() if folder in allowed]
            self.function.allow(actions, captures.arn_for_objects(f"{folder}/*"))
            found = f"{exported_name(captures, captures.bucket_arn)}/{folder}/*"
            acknowledge_wildcards(self.function.role, [found], "Models, versions and hours determine the names.")

    def _allow_history(self, history: s3.IBucket) -> None:
        """Allow reading the writes of recorded groups, with which features of predictions are compared."""
        self.function.allow(["s3:ListBucket"], history.bucket_arn)
        for group in sorted(self._config.recorded_groups):
            lines = f"{group_folder(group)}{LINES}/*"
            self.function.allow(["s3:GetObject"], history.arn_for_objects(lines))
            found = f"{exported_name(history, history.bucket_arn)}/{lines}"
            acknowledge_wildcards(self.function.role, [found], "Days and contents determine the names.")

    def _allow_versions(self, control: dynamodb.ITable, models: s3.IBucket) -> None:
        """Allow reading what serves, the records of versions, and the measurements of those that the bundle lacks."""
        self.function.allow_on_table(control, "BatchGetItem", "Query", partitions="model#*")
        for model in sorted(self._config.captured_models):
            for file in (MANIFEST, *MEASUREMENTS):
                key = f"{model_prefix(model)}*/{file}"
                self.function.allow(["s3:GetObject"], models.arn_for_objects(key))
                found = f"{exported_name(models, models.bucket_arn)}/{key}"
                acknowledge_wildcards(self.function.role, [found], "The versions of one model, which come later.")

    def _allow_events(self) -> None:
        bus = cdk.Stack.of(self).format_arn(service="events", resource="event-bus", resource_name="default")
        self.function.allow(
            ["events:PutEvents"], bus, conditions={"ForAllValues:StringEquals": {"events:source": [SOURCE]}}
        )

    def _allow_messages(self, topic: sns.ITopic) -> None:
        self.function.allow(["sns:Publish"], topic.topic_arn)
        if key := self._config.monitoring.alarms.key_arn:
            self.function.allow(["kms:Decrypt", "kms:GenerateDataKey"], key)

    def _schedule(self) -> None:
        """Run once a period, without retries, because the next run does what is left."""
        period = cdk.Duration.minutes(self._config.monitoring.minutes)
        target = targets.LambdaFunction(self.function.alias, retry_attempts=0, max_event_age=cdk.Duration.minutes(1))
        events.Rule(
            self,
            "EachPeriod",
            description="Slipway: runs the monitor",
            schedule=events.Schedule.rate(period),
            targets=[target],
        )
        # The rule retries calls that do not arrive; this setting covers calls that fail.
        self.function.alias.configure_async_invoke(retry_attempts=0, max_event_age=cdk.Duration.minutes(1))

    def _watch(self, topic: sns.ITopic) -> cloudwatch.Alarm:
        """Watch for errors and, by the same metric, for silence: Lambda writes it at each call, mostly as 0."""
        period = cdk.Duration.minutes(self._config.monitoring.minutes)
        errors = live_metric(self.function, "Errors").with_(period=period)
        description = (
            "The monitor failed or did not run, twice within three periods: nothing notices drift, nor a fall of "
            "accuracy. Its log says on which model it failed, and why"
        )
        return alarm(self, "Failing", topic=topic, metric=errors, description=description, above=0, silence_is_bad=True)
