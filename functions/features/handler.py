"""The function `features`: the feature store over HTTP."""

import os
from typing import Any

from slipway.config import load_config
from slipway.config.environment import FEATURES_TABLE
from slipway.errors import ConfigError, FieldProblem
from slipway.features.definitions import FeatureDefinitions
from slipway.features.dynamodb import DynamoFeatureStore
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.apis.features import feature_routes
from slipway.serving.http.app import create_app
from slipway.serving.http.exchange import Exchange
from slipway.serving.http.lambda_adapter import lambda_handler
from slipway.serving.settings import Settings


def make_app(settings: Settings) -> Any:
    """The app of the function."""
    if settings.features_table is None:
        raise ConfigError("the environment", [FieldProblem(FEATURES_TABLE, "is required")])
    config = load_config(settings.root / "slipway.yaml")
    definitions = FeatureDefinitions(config.features)
    # Who has just written reads what was written; predictions read at half the price.
    store = DynamoFeatureStore(settings.features_table, definitions, consistent=True)
    routes = feature_routes(definitions, store)
    exchange = Exchange(Telemetry(config.project, "features"), body_bytes=config.api.limits.body_bytes)
    return create_app(routes, exchange, title=config.project)


handler = lambda_handler(make_app(Settings.of(os.environ)))
