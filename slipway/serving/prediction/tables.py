"""The feature store and the prediction cache on the tables that a deployable was given."""

from typing import TYPE_CHECKING

from slipway.config import Config
from slipway.features.cache import PredictionCache
from slipway.features.store import FeatureStore

if TYPE_CHECKING:
    from slipway.aws.table import ClientFactory


def open_store(table: str | None, config: Config, client: "ClientFactory | None" = None) -> FeatureStore | None:
    """The feature store; None without a table. What speaks to DynamoDB is only then imported."""
    if table is None:
        return None
    from slipway.features.definitions import FeatureDefinitions
    from slipway.features.dynamodb import DynamoFeatureStore

    return DynamoFeatureStore(table, FeatureDefinitions(config.features), client=client)


def open_cache(table: str | None, client: "ClientFactory | None" = None) -> PredictionCache | None:
    """The prediction cache; None without a table."""
    if table is None:
        return None
    from slipway.features.dynamodb import DynamoPredictionCache

    return DynamoPredictionCache(table, client=client)
