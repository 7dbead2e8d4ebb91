"""The functions of the state machine `retrain`: one code, and for each step the rights that it needs."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.training.services import Services
from functions.training.settings import Settings
from functions.training.steps import STEPS
from slipway.config import load_config
from slipway.monitoring.telemetry.instrumentation import Handler, instrument


def make_handler(settings: Settings) -> Handler[dict[str, Any]]:
    """Create the handler of all steps: ``step`` of the event says which."""
    services = Services(settings, load_config(settings.root / "slipway.yaml"))

    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
        return STEPS[event["step"]](services, event)

    return instrument(handle, service="training")


handler = make_handler(Settings.of(os.environ))
