"""Where the workers of batch jobs read features and write precomputed answers: their variables and their rights."""

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from infra.constructs.basics.acknowledge import acknowledge_wildcards, exported_name
from infra.constructs.basics.table import of_partitions
from infra.stacks.tables import Tables
from slipway.config import Config
from slipway.config.deployment.environment import FEATURES_TABLE, HISTORY_BUCKET, PREDICTIONS_TABLE
from slipway.features.cache import cache_partitions
from slipway.features.history.files import group_folder

_FILES = "The days of a group's history, and the content of its files, determine their names."


@dataclass(frozen=True)
class BatchStores:
    """The tables and the bucket of the state stack, as far as slipway.yaml has a use for them.

    A job may score any version of the registry, so each model may read every feature group.
    """

    config: Config
    tables: Tables
    history: s3.IBucket

    def variables(self, models: Iterable[str]) -> dict[str, str]:
        """The names that a worker of ``models`` needs, by environment variable."""
        named = {}
        if self.config.features:
            named[FEATURES_TABLE] = self.tables.features.table_name
        if self.config.recorded_groups:
            named[HISTORY_BUCKET] = self.history.bucket_name
        if self._precomputed(models):
            named[PREDICTIONS_TABLE] = self.tables.predictions.table_name
        return named

    def allow(self, role: iam.Role, models: Iterable[str]) -> None:
        """Allow a worker to read features and histories, and to write the answers of ``models``; nothing else."""
        if self.config.features:
            _allow_on_table(role, self.tables.features, "BatchGetItem")
        if self.config.recorded_groups:
            self._allow_history(role)
        if ahead := self._precomputed(models):
            _allow_on_table(role, self.tables.predictions, "BatchWriteItem", [cache_partitions(name) for name in ahead])

    def _precomputed(self, models: Iterable[str]) -> list[str]:
        return [name for name in models if self.config.models[name].cache.precomputed is not None]

    def _allow_history(self, role: iam.Role) -> None:
        folders = [f"{group_folder(group)}*" for group in sorted(self.config.recorded_groups)]
        listing = {"StringLike": {"s3:prefix": folders}}
        _allow(role, "s3:ListBucket", [self.history.bucket_arn], listing)
        _allow(role, "s3:GetObject", [self.history.arn_for_objects(folder) for folder in folders])
        exported = exported_name(self.history, self.history.bucket_arn)
        acknowledge_wildcards(role, [f"{exported}/{folder}" for folder in folders], _FILES)


def _allow_on_table(role: iam.Role, table: dynamodb.ITable, action: str, partitions: list[str] | None = None) -> None:
    _allow(role, f"dynamodb:{action}", [table.table_arn], of_partitions(partitions) if partitions else None)


def _allow(
    role: iam.Role, action: str, resources: list[str], conditions: dict[str, dict[str, list[str]]] | None = None
) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=[action], resources=resources, conditions=conditions))
