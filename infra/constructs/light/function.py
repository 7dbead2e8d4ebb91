"""A Lambda function behind the alias `live`, with the defaults that all functions share."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge, exported_name
from infra.constructs.basics.log_group import log_group
from infra.constructs.basics.table import of_partitions
from infra.constructs.basics.trust import service_of_account
from slipway.config import LightTierConfig
from slipway.config.deployment.environment import LOG_LEVEL, SERVICE_NAME, TRACE_DISABLED
from slipway.config.deployment.keep_warm import KEEP_WARM
from slipway.config.monitoring import MonitoringConfig

ALIAS = "live"
_KEPT_WARM = cdk.Duration.days(3)
# At a cold start, pydantic would read the metadata of every installed package to look for plugins.
_ENVIRONMENT = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}


class Function(Construct):
    """A function, its log group, a role that may only write to that, and the alias that callers use.

    ``bundle`` is the folder with its code, in which ``functions/<name>/handler.py`` is. Where ``monitoring`` has
    traces on, its role may send them, too. What else it may do is granted by the stack, action by action.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        project: str,
        name: str,
        bundle: Path,
        settings: LightTierConfig,
        monitoring: MonitoringConfig,
        environment: Mapping[str, str],
        reserved_concurrency: int | None = None,
        storage_mb: int | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.name = name
        self.logs = log_group(self, "Logs", retention_days=monitoring.log_retention_days)
        self.role = iam.Role(self, "Role", assumed_by=service_of_account(self, "lambda.amazonaws.com"))
        self.allow(["logs:CreateLogStream", "logs:PutLogEvents"], self.logs.log_group_arn)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Slipway: {name}",
            code=lambda_.Code.from_asset(str(bundle)),
            handler=f"functions.{name}.handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=settings.memory_mb,
            timeout=cdk.Duration.seconds(settings.timeout_seconds),
            environment={
                **_ENVIRONMENT,
                SERVICE_NAME: f"{project}-{name}",
                LOG_LEVEL: monitoring.log_level,
                TRACE_DISABLED: str(not monitoring.tracing).lower(),
                **environment,
            },
            tracing=lambda_.Tracing.ACTIVE if monitoring.tracing else None,
            reserved_concurrent_executions=reserved_concurrency,
            ephemeral_storage_size=cdk.Size.mebibytes(storage_mb) if storage_mb else None,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if settings.snap_start else None,
            role=self.role,
            log_group=self.logs,
            # Text, so that Lambda passes lines on unchanged: a metric in embedded format must be a separate line.
            logging_format=lambda_.LoggingFormat.TEXT,
        )
        runtime = "The bundles are compiled and tested for Python 3.13; moving to another version is a separate change."
        published = "The alias points to a published version, and nothing calls another."
        snap_start = "Annotation::@aws-cdk/aws-lambda:snapStartRequirePublish"
        acknowledge(self.function, {"AwsSolutions-L1": runtime, snap_start: published})
        if monitoring.tracing:
            acknowledge(
                self.role, {"AwsSolutions-IAM5[Resource::*]": "X-Ray has no resources that a right could name."}
            )
        self.alias = lambda_.Alias(self, "Live", alias_name=ALIAS, version=self.function.current_version)

    def keep_warm(self) -> None:
        """Call the alias every few days, because a snapshot that was unused for 14 days is gone, and calls fail."""
        events.Rule(
            self,
            "KeepWarm",
            description=f"Slipway: keeps the snapshot of {self.name}",
            schedule=events.Schedule.rate(_KEPT_WARM),
            targets=[targets.LambdaFunction(self.alias, event=events.RuleTargetInput.from_object(dict(KEEP_WARM)))],
        )

    def allow(
        self, actions: list[str], resource: str, *, conditions: Mapping[str, Mapping[str, list[str]]] | None = None
    ) -> None:
        """Allow ``actions`` on one resource, by its ARN."""
        statement = iam.PolicyStatement(actions=actions, resources=[resource], conditions=conditions)
        self.role.add_to_policy(statement)

    def allow_storing(self, bucket: s3.IBucket, *folders: str) -> None:
        """Allow the function, and Lambda with what it failed on, to put files into folders of a bucket."""
        self.allow(["s3:ListBucket"], bucket.bucket_arn)  # without it, Lambda takes no bucket for failures
        reason = "Lambda and the content of the files determine their names."
        exported = exported_name(bucket, bucket.bucket_arn)
        for folder in folders:
            self.allow(["s3:PutObject"], bucket.arn_for_objects(f"{folder}/*"))
            acknowledge(self.role, {f"AwsSolutions-IAM5[Resource::{exported}/{folder}/*]": reason})

    def allow_on_table(
        self, table: dynamodb.ITable, *actions: str, partitions: str | Sequence[str] | None = None
    ) -> None:
        """Allow DynamoDB actions on a table, or only on items whose partition key matches one of ``partitions``.

        A transaction needs one statement for all of its partitions, because each statement must match all of its keys.
        """
        conditions = of_partitions(partitions) if partitions else None
        self.allow([f"dynamodb:{action}" for action in actions], table.table_arn, conditions=conditions)
