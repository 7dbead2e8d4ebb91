"""Storing captures: a function that subscribes to the models' logs and writes files, labels and counts."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.basics.alarm import alarm
from infra.constructs.light.function import ALIAS, Function
from infra.constructs.monitoring.metrics import live_metric
from slipway.config import Config
from slipway.config.deployment.environment import CAPTURE_BUCKET, CONTROL_TABLE
from slipway.monitoring.captures.parsing import FILTER, FOLDER, GIVEN_UP
from slipway.monitoring.entities.forgotten import PARTITION as FORGOTTEN
from slipway.monitoring.entities.index_table import PARTITIONS as ENTITIES

_SETTINGS = {"memory_mb": 512, "timeout_seconds": 60, "snap_start": False}
# Lambda waits one minute before the first retry and two before the second.
_RETRIES = 2


class Captures(Construct):
    """The function `capture` for the log groups of one stack; failed events are retried, then stored unprocessed.

    Each stack has its own, so that turning captures off in one does not affect the other.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        bundle: Path,
        bucket: s3.IBucket,
        control: dynamodb.ITable,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id_)
        self.function = Function(
            self,
            "Function",
            project=config.project,
            name="capture",
            bundle=bundle,
            settings=config.light.model_copy(update=_SETTINGS),
            monitoring=config.monitoring,
            environment={CAPTURE_BUCKET: bucket.bucket_name, CONTROL_TABLE: control.table_name},
        )
        self.function.allow_storing(bucket, FOLDER, GIVEN_UP)
        actions = ("BatchGetItem", "BatchWriteItem", "PutItem", "UpdateItem")
        # One transaction marks a label as counted, counts it and lists it.
        self.function.allow_on_table(control, *actions, partitions=("feedback#*", "reward#*", "labelled#*"))
        self.function.allow_on_table(control, "Query", partitions=FORGOTTEN)
        if config.captured_entities:
            self.function.allow_on_table(control, "BatchWriteItem", partitions=ENTITIES)
        self._keep_failures(bucket)
        failing = (
            "Captures cannot be stored; see the log of `capture`. Events it gave up on are in the bucket, unprocessed"
        )
        alarm(self, "Failing", topic=topic, metric=live_metric(self.function, "Errors"), description=failing, above=0)

    def subscribe(self, name: str, log_group: logs.ILogGroup) -> None:
        """Subscribe to a log group. The filter is a single word; the function checks lines itself."""
        logs.SubscriptionFilter(
            self,
            name,
            log_group=log_group,
            destination=destinations.LambdaDestination(self.function.alias),
            filter_pattern=logs.FilterPattern.all_terms(FILTER),
        )

    def _keep_failures(self, bucket: s3.IBucket) -> None:
        """Store failed events with the captures, with which they expire, because they contain requests."""
        to = lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=bucket.bucket_arn)
        invoked = lambda_.CfnEventInvokeConfig(
            self,
            "Retries",
            function_name=self.function.function.function_name,
            qualifier=ALIAS,
            maximum_retry_attempts=_RETRIES,
            maximum_event_age_in_seconds=int(cdk.Duration.hours(6).to_seconds()),
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(on_failure=to),
        )
        # Lambda checks that the role may write there.
        invoked.node.add_dependency(self.function.alias, self.function.role)
