"""The function `features`: serves the feature store over HTTP."""

import os

from aws_lambda_powertools.logging.correlation_paths import API_GATEWAY_HTTP

from slipway.aws.table import lazy_client
from slipway.config import Config, load_config
from slipway.config.deployment.environment import FEATURES_TABLE
from slipway.errors import ConfigError, FieldProblem
from slipway.features.definitions import FeatureDefinitions
from slipway.features.dynamodb import DynamoFeatureStore
from slipway.monitoring.telemetry.instrumentation import instrument
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.apis import features
from slipway.serving.http.app import App, AppSettings, create_app
from slipway.serving.http.gateway import GatewayHandler
from slipway.serving.http.priming import post_event, prime
from slipway.serving.settings import Settings


def make_app(settings: Settings, config: Config, telemetry: Telemetry) -> App:
    """Create the function's app."""
    if settings.features_table is None:
        raise ConfigError("the environment", [FieldProblem(FEATURES_TABLE, "is required")])
    client = lazy_client()
    client()
    definitions = FeatureDefinitions(config.features)
    # Callers must read their own writes; predictions accept eventually consistent reads at half the price.
    store = DynamoFeatureStore(settings.features_table, definitions, client=client, consistent=True)
    state = {"definitions": definitions, "store": store}
    app = AppSettings(config.project, config.api.limits.body_bytes, telemetry, state, cors=config.api.cors)
    return create_app(app, [features.router])


_settings = Settings.of(os.environ)
_config = load_config(_settings.root / "slipway.yaml")
_telemetry = Telemetry(_config.project, "features", code_version=_settings.code_version)
_http = GatewayHandler(make_app(_settings, _config, _telemetry))
# The empty body is refused before anything is written.
prime(_http, _telemetry, [post_event(features.BATCH_WRITE, {})])
handler = instrument(_http, service="features", correlation_id_path=API_GATEWAY_HTTP)
