"""The function `feedback`: what predictions turned out to deserve."""

import os
from datetime import timedelta
from typing import Any

from slipway.config import load_config
from slipway.config.environment import CONTROL_TABLE
from slipway.errors import ConfigError, FieldProblem
from slipway.monitoring.feedback.table import DynamoFeedbackStore
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.apis.feedback import feedback_routes
from slipway.serving.http.app import create_app
from slipway.serving.http.exchange import Exchange
from slipway.serving.http.lambda_adapter import lambda_handler
from slipway.serving.settings import Settings


def make_app(settings: Settings) -> Any:
    """The app of the function."""
    if settings.control_table is None:
        raise ConfigError("the environment", [FieldProblem(CONTROL_TABLE, "is required")])
    config = load_config(settings.root / "slipway.yaml")
    span = timedelta(minutes=config.monitoring.reward_minutes)
    routes = feedback_routes(config.models, DynamoFeedbackStore(settings.control_table, span=span))
    exchange = Exchange(Telemetry(config.project, "feedback"), body_bytes=config.api.limits.body_bytes)
    return create_app(routes, exchange, title=config.project)


handler = lambda_handler(make_app(Settings.of(os.environ)))
