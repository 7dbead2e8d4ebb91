"""Access to the tables for serving models: environment variables and permissions."""

from collections.abc import Sequence
from typing import Protocol

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from infra.bundling.models import DeployedModel
from infra.constructs.basics.acknowledge import acknowledge, exported_name
from infra.constructs.light.function import Function
from infra.stacks.tables import Tables
from slipway.config.deployment.environment import CONTROL_TABLE, FEATURES_TABLE, PREDICTIONS_TABLE
from slipway.config.deployment.keys import id_keys_parameter
from slipway.features.cache import cache_partitions
from slipway.models.registry.versions import model_prefix, version_prefix


class Server(Protocol):
    """Anything that serves models: a function, or the tasks of a heavy model."""

    def allow_on_table(
        self, table: dynamodb.ITable, *actions: str, partitions: str | Sequence[str] | None = None
    ) -> None: ...


def table_variables(tables: Tables, models: Sequence[DeployedModel]) -> dict[str, str]:
    """The names of the tables needed to serve ``models``, by environment variable."""
    needed = {CONTROL_TABLE: tables.control}
    if any(model.reads_features for model in models):
        needed[FEATURES_TABLE] = tables.features
    if any(model.cached or model.precomputed for model in models):
        needed[PREDICTIONS_TABLE] = tables.predictions
    return {variable: table.table_name for variable, table in needed.items()}


def allow_tables(server: Server, tables: Tables, models: Sequence[DeployedModel]) -> None:
    """Allow a server of ``models`` to access features and cached and precomputed predictions."""
    if any(model.reads_features for model in models):
        server.allow_on_table(tables.features, "BatchGetItem")
    if cached := [cache_partitions(model.name) for model in models if model.cached]:
        server.allow_on_table(tables.predictions, "BatchGetItem", "BatchWriteItem", partitions=cached)
    if ahead := [cache_partitions(model.name) for model in models if model.precomputed and not model.cached]:
        server.allow_on_table(tables.predictions, "BatchGetItem", partitions=ahead)


def allow_fetching(function: Function, tables: Tables, bucket: s3.IBucket, model: DeployedModel) -> None:
    """Allow a function to list a model's versions and to read the packages that its bundle lacks."""
    function.allow_on_table(tables.control, "Query", partitions=f"model#{model.name}")
    for version in model.fetched:
        objects = f"{version_prefix(model.name, version)}*"
        function.allow(["s3:GetObject"], bucket.arn_for_objects(objects))
        exported = exported_name(bucket, bucket.bucket_arn)
        reason = "The names of a version's files are in its manifest, which is stored there, too."
        acknowledge(function.role, {f"AwsSolutions-IAM5[Resource::{exported}/{objects}]": reason})


def allow_fetching_later(function: Function, tables: Tables, bucket: s3.IBucket, model: str) -> None:
    """Allow a function to list a model's versions and to read all of them, since retraining adds some later."""
    function.allow_on_table(tables.control, "Query", partitions=f"model#{model}")
    objects = f"{model_prefix(model)}*"
    function.allow(["s3:GetObject"], bucket.arn_for_objects(objects))
    exported = exported_name(bucket, bucket.bucket_arn)
    reason = "The versions of one model, to which retraining adds."
    acknowledge(function.role, {f"AwsSolutions-IAM5[Resource::{exported}/{objects}]": reason})


def allow_signing(role: iam.Role, project: str) -> None:
    """Allow reading the keys of prediction ids, and creating the first one; never changing them."""
    allow_verifying(role, project)
    arn = _id_keys_arn(role, project)
    # As AWS documents `ssm:Overwrite`: a call without it creates a parameter only.
    changing = {"StringEquals": {"ssm:Overwrite": ["true"]}}
    role.add_to_policy(iam.PolicyStatement(actions=["ssm:PutParameter"], resources=[arn]))
    role.add_to_policy(
        iam.PolicyStatement(effect=iam.Effect.DENY, actions=["ssm:PutParameter"], resources=[arn], conditions=changing)
    )


def allow_verifying(role: iam.Role, project: str) -> None:
    """Allow reading the keys of prediction ids. AWS lets every reader in the account decrypt with `aws/ssm`."""
    role.add_to_policy(iam.PolicyStatement(actions=["ssm:GetParameter"], resources=[_id_keys_arn(role, project)]))


def _id_keys_arn(role: iam.Role, project: str) -> str:
    name = id_keys_parameter(project).removeprefix("/")
    return cdk.Stack.of(role).format_arn(service="ssm", resource="parameter", resource_name=name)
