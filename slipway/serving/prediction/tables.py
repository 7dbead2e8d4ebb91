"""Opens the feature store, the prediction cache and precomputed answers on a deployable's tables."""

from typing import TYPE_CHECKING

from slipway.config import Config
from slipway.features.cache import PredictionCache
from slipway.features.precomputed import PrecomputedStore
from slipway.features.store import FeatureStore

if TYPE_CHECKING:
    from slipway.aws.table import ClientFactory


def open_store(table: str | None, config: Config, client: "ClientFactory | None" = None) -> FeatureStore | None:
    """Open the feature store, or return None without a table; imports the DynamoDB adapter only if needed."""
    if table is None:
        return None
    from slipway.features.definitions import FeatureDefinitions
    from slipway.features.dynamodb import DynamoFeatureStore

    return DynamoFeatureStore(table, FeatureDefinitions(config.features), client=client)


def open_cache(table: str | None, client: "ClientFactory | None" = None) -> PredictionCache | None:
    """Open the prediction cache, or return None without a table."""
    if table is None:
        return None
    from slipway.features.dynamodb import DynamoPredictionCache

    return DynamoPredictionCache(table, client=client)


def open_precomputed(
    table: str | None, config: Config, client: "ClientFactory | None" = None
) -> PrecomputedStore | None:
    """Open the precomputed answers, or return None if no model has any."""
    if table is None or not any(model.cache.precomputed for model in config.models.values()):
        return None
    from slipway.features.precomputed_table import DynamoPrecomputed

    return DynamoPrecomputed(table, client=client)
