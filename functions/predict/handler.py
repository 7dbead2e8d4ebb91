"""The function `predict`: predictions in both protocols, and what is deployed."""

import os
from typing import Any

from slipway.config import Config, load_config
from slipway.features.cache import PredictionCache
from slipway.features.store import FeatureStore
from slipway.models.bundle import load_models
from slipway.monitoring.telemetry import Telemetry
from slipway.serving.exchange import Exchange
from slipway.serving.front import Front
from slipway.serving.health import health_routes
from slipway.serving.lambda_adapter import lambda_handler
from slipway.serving.oip import oip_routes
from slipway.serving.service import PredictionService
from slipway.serving.settings import Settings
from slipway.serving.v1 import v1_routes


def make_front(settings: Settings) -> Front:
    """The app of the function; loads and checks every model."""
    config = load_config(settings.root / "slipway.yaml")
    service = PredictionService(
        config,
        load_models(config, settings.root),
        store=_store(settings, config),
        cache=_cache(settings),
    )
    exchange = Exchange(Telemetry(config.project, "predict"), body_bytes=config.api.limits.body_bytes)
    routes = (*v1_routes(service), *oip_routes(service), *health_routes())

    def make_app() -> Any:
        from slipway.serving.app import create_app
        from slipway.serving.openapi import openapi_document

        return create_app(routes, exchange, title=config.project, document=lambda: openapi_document(service))

    front = Front(routes, exchange, make_app)
    if settings.snapshot:
        front.prepare()
    return front


def _store(settings: Settings, config: Config) -> FeatureStore | None:
    if settings.features_table is None:
        return None
    from slipway.features.definitions import FeatureDefinitions
    from slipway.features.dynamodb import DynamoFeatureStore

    return DynamoFeatureStore(settings.features_table, FeatureDefinitions(config.features))


def _cache(settings: Settings) -> PredictionCache | None:
    if settings.predictions_table is None:
        return None
    from slipway.features.dynamodb import DynamoPredictionCache

    return DynamoPredictionCache(settings.predictions_table)


handler = lambda_handler(make_front(Settings.of(os.environ)))
