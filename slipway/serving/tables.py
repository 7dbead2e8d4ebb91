"""The feature store and the prediction cache on the tables that a deployable was given."""

from slipway.config import Config
from slipway.features.cache import PredictionCache
from slipway.features.store import FeatureStore


def open_store(table: str | None, config: Config) -> FeatureStore | None:
    """The feature store; None without a table. What speaks to DynamoDB is only then imported."""
    if table is None:
        return None
    from slipway.features.definitions import FeatureDefinitions
    from slipway.features.dynamodb import DynamoFeatureStore

    return DynamoFeatureStore(table, FeatureDefinitions(config.features))


def open_cache(table: str | None) -> PredictionCache | None:
    """The prediction cache; None without a table."""
    if table is None:
        return None
    from slipway.features.dynamodb import DynamoPredictionCache

    return DynamoPredictionCache(table)
