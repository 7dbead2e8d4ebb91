"""The function `predict`: serves predictions in both protocols, the deployed models and the API's documentation."""

import os
from functools import partial

from aws_lambda_powertools.logging.correlation_paths import API_GATEWAY_HTTP

from slipway.aws.table import Backoff, lazy_client
from slipway.config import Config, load_config
from slipway.models.bundle import load_models
from slipway.models.registry.fetching import VersionLoader
from slipway.models.registry.opening import aws_registry, downloads_folder
from slipway.monitoring.feedback.key_parameter import KeyParameter
from slipway.monitoring.feedback.key_ring import IdSigner, OwnKeys
from slipway.monitoring.telemetry.attempts import Attempts
from slipway.monitoring.telemetry.golden import counting_golden_failures
from slipway.monitoring.telemetry.instrumentation import instrument
from slipway.monitoring.telemetry.requests import Telemetry, write_to_stdout
from slipway.releases.routing.serving_table import DynamoServingStore
from slipway.serving.apis import (
    docs,
    features,
    feedback,
    health,
    model_statistics,
    models,
    oip,
    predict,
    rank,
    repository,
)
from slipway.serving.http.app import App, AppSettings, create_app
from slipway.serving.http.gateway import GatewayHandler
from slipway.serving.http.keep_warm import keep_warm
from slipway.serving.http.openapi import openapi_document
from slipway.serving.http.priming import prediction_events, prime
from slipway.serving.prediction.live_releases import ConfiguredReleases, LiveReleases, Releases
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.proofs import count_failures, require_stable
from slipway.serving.prediction.served import ServedModels
from slipway.serving.prediction.tables import open_cache, open_precomputed, open_store
from slipway.serving.settings import Settings

ROUTERS = (
    predict.router,
    rank.router,
    models.router,
    model_statistics.router,
    oip.router,
    repository.router,
    health.router,
)
DOCUMENTED = (*ROUTERS, features.router, feedback.router)


def load(settings: Settings, config: Config) -> ServedModels:
    """Load and check every version from the bundle and, if there is one, the registry.

    A version that cannot be used is answered 503, and the others serve. While the registry is unreachable, a later
    request loads its versions. Before a snapshot that is an error, and so is a stable version that does not prove
    itself: the deploy fails, and the previous version of the function stays.
    """
    served = _loaded(settings, config)
    count_failures(served, write_to_stdout)
    if settings.snapshot:
        require_stable(served)
    return served


def _loaded(settings: Settings, config: Config) -> ServedModels:
    releases = _releases(settings, config)
    if settings.model_bucket is None or settings.control_table is None:
        return ServedModels(config, load_models(config, settings.root), releases=releases)
    registry = aws_registry(settings.control_table, settings.model_bucket)
    loader = VersionLoader(config, settings.root, registry, cache=downloads_folder())
    late = counting_golden_failures(loader.load, config.project, write_to_stdout)
    return ServedModels(config, loader.load_light(strict=settings.snapshot), releases=releases, load=late)


def make_app(settings: Settings, served: ServedModels, telemetry: Telemetry) -> App:
    """Create the function's app."""
    config, client = served.config, lazy_client()
    if settings.features_table or settings.predictions_table:
        client()
    pipeline = PredictionPipeline(
        served,
        store=open_store(settings.features_table, config, client),
        cache=open_cache(settings.predictions_table, client),
        precomputed=open_precomputed(settings.predictions_table, config, client),
        attempt=Attempts(config.project, write=telemetry.write),
        ids=_signer(settings),
    )
    state = {
        "pipeline": pipeline,
        "readiness": health.Readiness(),
        "document": partial(openapi_document, served, DOCUMENTED),
    }
    app = AppSettings(config.project, config.api.limits.body_bytes, telemetry, state, cors=config.api.cors)
    return create_app(app, (*ROUTERS, docs.router))


def _signer(settings: Settings) -> IdSigner:
    """Return the signer of ids, with the keys if they can be read now; predictions do not need them."""
    signer = IdSigner(KeyParameter(settings.id_keys) if settings.id_keys else OwnKeys())
    signer.refresh()
    return signer


def _releases(settings: Settings, config: Config) -> Releases:
    """Return the releases of the control table; a later request retries a failed read, so each has one attempt."""
    if settings.control_table is None:
        return ConfiguredReleases(config)
    return LiveReleases(config, DynamoServingStore(settings.control_table, backoff=Backoff(attempts=1)))


_settings = Settings.of(os.environ)
_served = load(_settings, load_config(_settings.root / "slipway.yaml"))
_telemetry = Telemetry(
    _served.config.project,
    "predict",
    code_version=_settings.code_version,
    not_loaded=[name for name, _ in _served.failures],
)
_http = GatewayHandler(make_app(_settings, _served, _telemetry))
prime(_http, _telemetry, prediction_events(_served))
_http.app.state.pipeline.statistics.restart()  # before the snapshot that AWS may take
handler = instrument(keep_warm(_http), service="predict", correlation_id_path=API_GATEWAY_HTTP)
