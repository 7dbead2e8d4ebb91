"""What keeps captures: a function that subscribes to the logs of models and writes files, labels and counts."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge, exported_name
from infra.constructs.basics.alarm import alarm
from infra.constructs.light.function import ALIAS, Function
from infra.constructs.monitoring.metrics import live_metric
from slipway.config import Config
from slipway.config.environment import CAPTURE_BUCKET, CONTROL_TABLE
from slipway.monitoring.captures.parsing import FILTER, FOLDER

GIVEN_UP = "aws/lambda/async"
"""Where Lambda lays events that a function failed on to the last."""

_SETTINGS = {"memory_mb": 512, "timeout_seconds": 60, "snap_start": False}
# Lambda waits a minute before the first, and two before the second.
_RETRIES = 2


class Captures(Construct):
    """The function `capture` for the log groups of one stack; what it fails on is tried again, and then kept as it is.

    A stack has its own, so that captures can be turned off for the models of one without a word to the other.
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
        self._allow_files(bucket)
        self.function.allow_on_table(control, "BatchGetItem", "BatchWriteItem", "PutItem", partitions="feedback#*")
        self.function.allow_on_table(control, "UpdateItem", partitions="reward#*")
        self._keep_failures(bucket)
        failing = (
            "Captures cannot be stored: the log of `capture` says why; what it gave up lies in the bucket as it came"
        )
        alarm(self, "Failing", topic=topic, metric=live_metric(self.function, "Errors"), description=failing, above=0)

    def subscribe(self, name: str, log_group: logs.ILogGroup) -> None:
        """Have the captures of a log group kept. The pattern is of one word: the function looks closer."""
        logs.SubscriptionFilter(
            self,
            name,
            log_group=log_group,
            destination=destinations.LambdaDestination(self.function.alias),
            filter_pattern=logs.FilterPattern.all_terms(FILTER),
        )

    def _allow_files(self, bucket: s3.IBucket) -> None:
        self.function.allow(["s3:ListBucket"], bucket.bucket_arn)
        reason = "The names of files are made of what is in them, and by Lambda."
        exported = exported_name(bucket, bucket.bucket_arn)
        for folder in (FOLDER, GIVEN_UP):
            self.function.allow(["s3:PutObject"], bucket.arn_for_objects(f"{folder}/*"))
            acknowledge(self.function.role, {f"AwsSolutions-IAM5[Resource::{exported}/{folder}/*]": reason})

    def _keep_failures(self, bucket: s3.IBucket) -> None:
        """An event has what was sent to a model, so it goes where captures are, and expires with them."""
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
        # Lambda looks whether the role may write there.
        invoked.node.add_dependency(self.function.alias, self.function.role)
