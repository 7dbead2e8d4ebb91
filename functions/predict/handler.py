"""The function `predict`: predictions in both protocols, and what is deployed."""

import os
from typing import Any

from slipway.config import Config, load_config
from slipway.models.bundle import load_models
from slipway.monitoring.telemetry.attempts import Attempts
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.apis.health import health_routes
from slipway.serving.apis.oip import oip_routes
from slipway.serving.apis.predict import v1_routes
from slipway.serving.apis.rank import rank_routes
from slipway.serving.http.exchange import Exchange
from slipway.serving.http.front import Front
from slipway.serving.http.lambda_adapter import lambda_handler
from slipway.serving.prediction.live_releases import ConfiguredReleases, Releases
from slipway.serving.prediction.service import Load, Models, PredictionService
from slipway.serving.prediction.tables import open_cache, open_store
from slipway.serving.settings import Settings


def make_front(settings: Settings) -> Front:
    """The app of the function; loads and checks every model, which a snapshot then has in it."""
    config = load_config(settings.root / "slipway.yaml")
    models, load = _models(settings, config)
    service = PredictionService(
        config,
        models,
        releases=_releases(settings, config),
        load=load,
        store=open_store(settings.features_table, config),
        cache=open_cache(settings.predictions_table),
        attempts=Attempts(config.project),
    )
    exchange = Exchange(Telemetry(config.project, "predict"), body_bytes=config.api.limits.body_bytes)
    routes = (*v1_routes(service), *rank_routes(service), *oip_routes(service), *health_routes())

    def make_app() -> Any:
        from slipway.serving.http.app import create_app
        from slipway.serving.http.openapi import openapi_document

        return create_app(routes, exchange, title=config.project, document=lambda: openapi_document(service))

    front = Front(routes, exchange, make_app)
    if settings.snapshot:
        front.prepare()
    return front


def _models(settings: Settings, config: Config) -> tuple[Models, Load | None]:
    """The versions of the bundle and, where there is one, the registry; and what loads one that was not to be had.

    Before a snapshot that is an error, so that the deploy fails and the version of the function before it stays.
    """
    if settings.model_bucket is None or settings.control_table is None:
        return load_models(config, settings.root), None
    from slipway.models.registry.fetching import VersionLoader, aws_registry, downloads_folder

    registry = aws_registry(settings.control_table, settings.model_bucket)
    loader = VersionLoader(config, settings.root, registry, cache=downloads_folder())
    return loader.load_light(strict=settings.snapshot), loader.load


def _releases(settings: Settings, config: Config) -> Releases:
    """What the control table says; a table that does not answer at once is asked again by a later request."""
    if settings.control_table is None:
        return ConfiguredReleases(config)
    from slipway.aws.table import Backoff
    from slipway.releases.routing.serving_table import DynamoServingStore
    from slipway.serving.prediction.live_releases import LiveReleases

    return LiveReleases(config, DynamoServingStore(settings.control_table, backoff=Backoff(attempts=1)))


_front = make_front(Settings.of(os.environ))
# Predictions wait for tables and graphs in place: a function has one request at a time, and no other to go on with.
handler = lambda_handler(_front, at_once=_front.is_its_own)
