"""The function `controller`: runs one tick of the release controller each minute."""

import os
from datetime import datetime
from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.controller.settings import Settings
from slipway.config import Config, load_config
from slipway.config.deployment.keep_warm import KEEP_WARM
from slipway.errors import SlipwayError, UnavailableError
from slipway.monitoring.telemetry.instrumentation import Handler, instrument
from slipway.monitoring.telemetry.requests import write_to_stdout
from slipway.releases.controller.heavy import HeavyTier
from slipway.releases.controller.share_metrics import share_lines
from slipway.releases.controller.task_metrics import task_lines


def make_handler(settings: Settings) -> Handler[dict[str, Any]]:
    """Create a handler that advances every active release by one step, and fails if any step fails."""
    config = load_config(settings.root / "slipway.yaml")
    heavy = settings.deployment.heavy_tier(config)
    controller = settings.deployment.controller(config, heavy)

    @event_source(data_class=EventBridgeEvent)
    def handle(event: EventBridgeEvent, context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
        if event.raw_event == KEEP_WARM:
            settings.deployment.keep_link_warm()
            return {"releases": {}}
        passes, now = controller.tick(config.models), controller.now()
        active = [done.record for done in passes if not done.was_settled]
        write_to_stdout("".join(share_lines(config.project, active, now)))
        errors = [f"{done.record.id}: {problem}" for done in passes for problem in done.errors]
        errors += _write_tasks(config, heavy, now)
        if errors:
            # The controller's alarm watches for failed calls. The other releases have advanced regardless.
            raise UnavailableError("part of a release", "; ".join(errors))
        return {"releases": {done.record.id: done.record.phase.value for done in passes}}

    return instrument(handle, service="controller", correlation_id_path=correlation_paths.EVENT_BRIDGE)


def _write_tasks(config: Config, heavy: HeavyTier, now: datetime) -> list[str]:
    """Write how many tasks each slot should have, and return the models' errors."""
    errors = []
    for model in config.heavy_models:
        try:
            write_to_stdout("".join(task_lines(config.project, model, heavy.wanted_tasks(model), now)))
        except SlipwayError as error:
            errors.append(f"{model}: {error}")
    return errors


handler = make_handler(Settings.of(os.environ))
