"""What serving models takes of the tables: the variables that name them, and the rights."""

from collections.abc import Sequence
from typing import Protocol

from aws_cdk import aws_dynamodb as dynamodb

from infra.models import DeployedModel
from infra.stacks.state import Tables
from slipway.environment import CONTROL_TABLE, FEATURES_TABLE, PREDICTIONS_TABLE


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
