"""The function `controller`: runs one tick of the release controller each minute."""

import os
from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.controller.settings import Settings
from slipway.config import load_config
from slipway.errors import UnavailableError
from slipway.monitoring.telemetry.instrumentation import Handler, instrument
from slipway.monitoring.telemetry.requests import write_to_stdout
from slipway.releases.controller.share_metrics import share_lines


def make_handler(settings: Settings) -> Handler[dict[str, Any]]:
    """Create a handler that advances every active release by one step, and fails if any step fails."""
    config = load_config(settings.root / "slipway.yaml")
    controller = settings.deployment.controller(config)

    @event_source(data_class=EventBridgeEvent)
    def handle(event: EventBridgeEvent, context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
        passes = controller.tick(config.models)
        write_to_stdout("".join(share_lines(config.project, (done.record for done in passes), controller.now())))
        errors = [f"{done.record.id}: {problem}" for done in passes for problem in done.errors]
        if errors:
            # The controller's alarm watches for failed calls. The other releases have advanced regardless.
            raise UnavailableError("part of a release", "; ".join(errors))
        return {"releases": {done.record.id: done.record.phase.value for done in passes}}

    return instrument(handle, service="controller", correlation_id_path=correlation_paths.EVENT_BRIDGE)


handler = make_handler(Settings.of(os.environ))
