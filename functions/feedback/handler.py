"""The function `feedback`: stores the feedback on predictions."""

import os
from datetime import timedelta

from aws_lambda_powertools.logging.correlation_paths import API_GATEWAY_HTTP

from slipway.aws.table import lazy_client
from slipway.config import Config, load_config
from slipway.config.deployment.environment import CONTROL_TABLE, ID_KEYS
from slipway.errors import ConfigError, FieldProblem
from slipway.models.prediction.labels import bundled_outputs
from slipway.models.registry.known_outputs import KnownOutputs
from slipway.models.registry.table import DynamoVersionTable
from slipway.monitoring.feedback.key_parameter import KeyParameter
from slipway.monitoring.feedback.key_ring import IdVerifier
from slipway.monitoring.feedback.table import DynamoFeedbackStore
from slipway.monitoring.telemetry.instrumentation import instrument
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.apis import feedback
from slipway.serving.http.app import App, AppSettings, create_app
from slipway.serving.http.gateway import GatewayHandler
from slipway.serving.http.priming import post_event, prime
from slipway.serving.settings import Settings


def make_app(settings: Settings, config: Config, telemetry: Telemetry) -> App:
    """Create the function's app."""
    if settings.control_table is None or settings.id_keys is None:
        needed = {CONTROL_TABLE: settings.control_table, ID_KEYS: settings.id_keys}
        missing = [FieldProblem(name, "is required") for name, value in needed.items() if value is None]
        raise ConfigError("the environment", missing)
    client = lazy_client()
    client()
    span = timedelta(minutes=config.monitoring.reward_minutes)
    store = DynamoFeedbackStore(settings.control_table, client=client, span=span)
    ids = IdVerifier(KeyParameter(settings.id_keys))
    ids.refresh()
    registry = DynamoVersionTable(settings.control_table, client=client)
    outputs = KnownOutputs(bundled_outputs(config, settings.root), registry)
    state = {"models": config.models, "feedback": store, "outputs": outputs, "ids": ids}
    app = AppSettings(config.project, config.api.limits.body_bytes, telemetry, state, cors=config.api.cors)
    return create_app(app, [feedback.router])


_settings = Settings.of(os.environ)
_config = load_config(_settings.root / "slipway.yaml")
_telemetry = Telemetry(_config.project, "feedback", code_version=_settings.code_version)
_http = GatewayHandler(make_app(_settings, _config, _telemetry))
# The empty body is refused before anything is written.
prime(_http, _telemetry, [post_event(feedback.FEEDBACK, {})])
handler = instrument(_http, service="feedback", correlation_id_path=API_GATEWAY_HTTP)
