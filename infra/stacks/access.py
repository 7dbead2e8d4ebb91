"""What serving models takes of the tables: the variables that name them, and the rights."""

from collections.abc import Sequence
from typing import Protocol

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3

from infra.bundling.models import DeployedModel
from infra.constructs.basics.acknowledge import acknowledge, exported_name
from infra.constructs.light.function import Function
from infra.stacks.state import Tables
from slipway.config.environment import CONTROL_TABLE, FEATURES_TABLE, PREDICTIONS_TABLE
from slipway.models.registry.versions import version_prefix


class Server(Protocol):
    """What serves models: a function, or the tasks of a heavy model."""

    def allow_on_table(self, table: dynamodb.ITable, *actions: str) -> None: ...


def table_variables(tables: Tables, models: Sequence[DeployedModel]) -> dict[str, str]:
    """The names of the tables that serving ``models`` needs, by environment variable."""
    needed = {CONTROL_TABLE: tables.control}
    if any(model.reads_features for model in models):
        needed[FEATURES_TABLE] = tables.features
    if any(model.cached for model in models):
        needed[PREDICTIONS_TABLE] = tables.predictions
    return {variable: table.table_name for variable, table in needed.items()}


def allow_tables(server: Server, tables: Tables, models: Sequence[DeployedModel]) -> None:
    """Allow what serving ``models`` does with features and cached predictions."""
    if any(model.reads_features for model in models):
        server.allow_on_table(tables.features, "BatchGetItem")
    if any(model.cached for model in models):
        server.allow_on_table(tables.predictions, "BatchGetItem", "BatchWriteItem")


def allow_fetching(function: Function, tables: Tables, bucket: s3.IBucket, model: DeployedModel) -> None:
    """Let a function list the versions of a model and read the objects of those that its bundle lacks."""
    function.allow_on_table(tables.control, "Query", partitions=f"model#{model.name}")
    for version in model.fetched:
        objects = f"{version_prefix(model.name, version)}*"
        function.allow(["s3:GetObject"], bucket.arn_for_objects(objects))
        exported = exported_name(bucket, bucket.bucket_arn)
        reason = "The files of a version are named in its manifest, which lies there, too."
        acknowledge(function.role, {f"AwsSolutions-IAM5[Resource::{exported}/{objects}]": reason})
