"""The function `feedback`: stores the feedback on predictions."""

import os
from datetime import timedelta

from aws_lambda_powertools.logging.correlation_paths import API_GATEWAY_HTTP
from mangum import Mangum

from slipway.aws.table import lazy_client
from slipway.config import Config, load_config
from slipway.config.environment import CONTROL_TABLE
from slipway.errors import ConfigError, FieldProblem
from slipway.monitoring.feedback.table import DynamoFeedbackStore
from slipway.monitoring.telemetry.instrumentation import instrument
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.apis import feedback
from slipway.serving.http.app import App, AppSettings, create_app
from slipway.serving.http.priming import post_event, prime
from slipway.serving.http.responses import TEXT_MEDIA_TYPES
from slipway.serving.settings import Settings


def make_app(settings: Settings, config: Config, telemetry: Telemetry) -> App:
    """Create the function's app."""
    if settings.control_table is None:
        raise ConfigError("the environment", [FieldProblem(CONTROL_TABLE, "is required")])
    client = lazy_client()
    client()
    span = timedelta(minutes=config.monitoring.reward_minutes)
    store = DynamoFeedbackStore(settings.control_table, client=client, span=span)
    state = {"models": config.models, "feedback": store}
    app = AppSettings(config.project, config.api.limits.body_bytes, telemetry, state)
    return create_app(app, [feedback.router])


_settings = Settings.of(os.environ)
_config = load_config(_settings.root / "slipway.yaml")
_telemetry = Telemetry(_config.project, "feedback", code_version=_settings.code_version)
_http = Mangum(make_app(_settings, _config, _telemetry), lifespan="off", text_mime_types=list(TEXT_MEDIA_TYPES))
# The empty body is refused before anything is written.
prime(_http, _telemetry, [post_event(feedback.FEEDBACK, {})])
handler = instrument(_http, service="feedback", correlation_id_path=API_GATEWAY_HTTP)
