"""The function that scores captures for shadows, which log groups call during a shadow release."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.bundling.models import DeployedModel
from infra.constructs.light.function import Function
from infra.stacks.access import allow_fetching
from infra.stacks.tables import Tables
from slipway.config import Config
from slipway.config.deployment.environment import CONTROL_TABLE, MODEL_BUCKET
from slipway.config.heavy import output_prefix
from slipway.config.releases.shadow import ShadowNames

_LONGEST_WAIT = cdk.Duration.minutes(5)


class ShadowStack(cdk.Stack):
    """The shadow function's stack; it may read only releases, and the packages that its bundle lacks.

    The controller subscribes and unsubscribes it, so the template has no subscriptions.

    Args:
        models: the models that can be shadowed, with the bundled packages.
        light: the log group with the captures of light models.
        heavy: the log groups of heavy models, by model.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        models: Sequence[DeployedModel],
        bundle: Path,
        tables: Tables,
        bucket: s3.IBucket,
        light: logs.ILogGroup,
        heavy: Mapping[str, logs.ILogGroup],
        description: str,
    ) -> None:
        super().__init__(scope, id_, description=description)
        fetching = [model for model in models if model.fetched]
        environment = {CONTROL_TABLE: tables.control.table_name}
        if fetching:
            environment[MODEL_BUCKET] = bucket.bucket_name
        function = self._function(config, bundle, environment)
        function.allow_on_table(tables.control, "BatchGetItem", partitions="model#*")
        for model in fetching:
            allow_fetching(function, tables, bucket, model)
        self._subscribable(function, "Light", light)
        for name, group in heavy.items():
            self._subscribable(function, output_prefix(name), group)
        self.groups: Sequence[logs.ILogGroup] = (light, *heavy.values())
        groups = {**dict.fromkeys(config.light_models, light), **heavy}
        self.names = ShadowNames(
            function.alias.function_arn, {name: group.log_group_name for name, group in groups.items()}
        )
        cdk.CfnOutput(self, "ShadowFunction", value=function.alias.function_arn)

    def _function(self, config: Config, bundle: Path, environment: Mapping[str, str]) -> Function:
        own = config.shadow
        settings = config.light.model_copy(
            update={"memory_mb": own.memory_mb, "timeout_seconds": own.timeout_seconds, "snap_start": False}
        )
        function = Function(
            self,
            "Shadow",
            project=config.project,
            name="shadow",
            bundle=bundle,
            settings=settings,
            monitoring=config.monitoring,
            environment=environment,
            reserved_concurrency=own.reserved_concurrency,
            storage_mb=own.storage_mb,
        )
        # A failed event may have been counted in part, and a sample does not need it.
        function.alias.configure_async_invoke(retry_attempts=0, max_event_age=_LONGEST_WAIT)
        return function

    def _subscribable(self, function: Function, name: str, group: logs.ILogGroup) -> None:
        """Allow CloudWatch Logs to call the function with the lines of one log group."""
        function.alias.add_permission(
            f"{name}Logs",
            principal=iam.ServicePrincipal("logs.amazonaws.com"),
            source_arn=group.log_group_arn,
            source_account=self.account,
        )
