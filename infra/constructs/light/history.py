"""Keeping the history of feature groups: a function that reads the features table's stream and writes files."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge
from infra.constructs.basics.alarm import alarm
from infra.constructs.basics.history_bucket import FAILURES
from infra.constructs.light.function import Function
from infra.constructs.monitoring.metrics import MAXIMUM, MINUTE
from slipway.config import Config
from slipway.config.deployment.environment import HISTORY_BUCKET
from slipway.features.history.files import FOLDER

_SETTINGS = {"memory_mb": 512, "timeout_seconds": 60, "snap_start": False}
# A shard takes at most 1,000 writes a second, and Lambda calls with 6 MB at most. A full batch does not wait.
_BATCH = 2_000
# A file for each minute in which a shard has writes: fewer cost more time until a join sees a write.
_WINDOW = cdk.Duration.seconds(60)
# The stream keeps records for 24 hours. What is left of them is for whoever is told by the alarm.
_GIVEN_UP = cdk.Duration.hours(20)
_LATE = cdk.Duration.minutes(15)


class History(Construct):
    """The function `history` on the features table's stream; records that it fails on for 20 hours are kept unread."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        bundle: Path,
        table: dynamodb.ITable,
        bucket: s3.IBucket,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id_)
        self.function = Function(
            self,
            "Function",
            project=config.project,
            name="history",
            bundle=bundle,
            settings=config.light.model_copy(update=_SETTINGS),
            monitoring=config.monitoring,
            environment={HISTORY_BUCKET: bucket.bucket_name},
        )
        stream = str(table.table_stream_arn)
        self._allow_reading(stream)
        self.function.allow_storing(bucket, FOLDER, FAILURES)
        self._read(stream, bucket, sorted(config.recorded_groups))
        late = (
            "Changes of features are not in the history yet; see the log of `history`. The stream loses them after 24 h"
        )
        age = self.function.function.metric("IteratorAge", statistic=MAXIMUM, period=MINUTE)
        alarm(self, "Late", topic=topic, metric=age, description=late, above=_LATE.to_milliseconds())

    def _allow_reading(self, stream: str) -> None:
        actions = ("DescribeStream", "GetRecords", "GetShardIterator")
        self.function.allow([f"dynamodb:{action}" for action in actions], stream)
        self.function.allow(["dynamodb:ListStreams"], "*")
        reason = "DynamoDB lists streams of the account, not of a table, and says no more of them than their names."
        acknowledge(self.function.role, {"AwsSolutions-IAM5[Resource::*]": reason})

    def _read(self, stream: str, bucket: s3.IBucket, groups: list[str]) -> None:
        mapping = lambda_.CfnEventSourceMapping
        wanted = json.dumps({"dynamodb": {"Keys": {"sk": {"S": groups}}}}, separators=(",", ":"))
        reading = mapping(
            self,
            "Stream",
            function_name=self.function.alias.function_arn,
            event_source_arn=stream,
            # A history that is turned on begins with the writes of the last day.
            starting_position="TRIM_HORIZON",
            batch_size=_BATCH,
            maximum_batching_window_in_seconds=int(_WINDOW.to_seconds()),
            # Two batches of a shard at a time: one catches up while the other is stored, and rows carry their order.
            parallelization_factor=2,
            bisect_batch_on_function_error=True,
            maximum_record_age_in_seconds=int(_GIVEN_UP.to_seconds()),
            function_response_types=["ReportBatchItemFailures"],
            filter_criteria=mapping.FilterCriteriaProperty(filters=[mapping.FilterProperty(pattern=wanted)]),
            destination_config=mapping.DestinationConfigProperty(
                on_failure=mapping.OnFailureProperty(destination=bucket.bucket_arn)
            ),
        )
        # Lambda checks that the role may read the stream and write there.
        reading.node.add_dependency(self.function.role)
