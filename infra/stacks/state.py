"""Persistent state: the tables, the buckets, and the parameters of slots. It outlives the other stacks."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.basics.capture_bucket import CaptureBucket
from infra.constructs.basics.history_bucket import HistoryBucket
from infra.constructs.basics.model_bucket import ModelBucket
from infra.constructs.basics.table import table
from infra.constructs.heavy.slot_parameters import SlotParameters
from slipway.config import Config
from slipway.config.features import HistoryConfig
from slipway.config.heavy import output_prefix


@dataclass(frozen=True)
class Tables:
    """The DynamoDB tables."""

    features: dynamodb.ITable
    predictions: dynamodb.ITable
    control: dynamodb.ITable


class StateStack(cdk.Stack):
    """Tables and buckets, with their names as outputs, and the parameters of heavy models."""

    def __init__(self, scope: Construct, id_: str, *, config: Config, description: str) -> None:
        super().__init__(scope, id_, description=description, termination_protection=True)
        self.tables = Tables(
            features=table(self, "Features", sort_key=True, expires=True, streams=True),
            predictions=table(self, "Predictions", sort_key=False, expires=True),
            control=table(self, "Control", sort_key=True, expires=True),
        )
        self.models = ModelBucket(self, "Models")
        self.captures = CaptureBucket(self, "Captures", monitoring=config.monitoring)
        self.history = HistoryBucket(self, "History", kept_days=_kept_days(config))
        # Always exported, as the buckets are: turning histories off must not take an export that is still used.
        self.export_value(self.tables.features.table_stream_arn)
        for name, model in config.heavy_models.items():
            SlotParameters(self, f"{output_prefix(name)}Slots", project=config.project, model=name, stable=model.stable)
        cdk.CfnOutput(self, "FeaturesTable", value=self.tables.features.table_name)
        cdk.CfnOutput(self, "PredictionsTable", value=self.tables.predictions.table_name)
        cdk.CfnOutput(self, "ControlTable", value=self.tables.control.table_name)
        cdk.CfnOutput(self, "ModelBucket", value=self.models.bucket.bucket_name)
        cdk.CfnOutput(self, "CaptureBucket", value=self.captures.bucket.bucket_name)
        cdk.CfnOutput(self, "HistoryBucket", value=self.history.bucket.bucket_name)


def _kept_days(config: Config) -> dict[str, int]:
    """How long each group's files are kept; those of a group whose history was turned off still expire."""
    return {name: (group.history or HistoryConfig()).retention_days for name, group in config.features.items()}
