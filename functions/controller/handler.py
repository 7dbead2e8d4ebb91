"""The function `controller`: one pass over the active releases, each minute."""

import os
from collections.abc import Callable
from typing import Any

from functions.controller.settings import Settings
from slipway.config import load_config
from slipway.errors import UnavailableError
from slipway.monitoring.telemetry.logs import log_as_json
from slipway.monitoring.telemetry.requests import write_to_stdout
from slipway.releases.controller.share_metrics import share_lines

Handler = Callable[[Any, Any], dict[str, Any]]


def make_handler(settings: Settings) -> Handler:
    """A handler that takes every active release one step on, and fails if that failed for any of them."""
    log_as_json()
    config = load_config(settings.root / "slipway.yaml")
    controller = settings.deployment.controller(config)

    def handle(event: Any, context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
        passes = controller.tick(config.models)
        write_to_stdout("".join(share_lines(config.project, (done.record for done in passes), controller.now())))
        errors = [f"{done.record.id}: {problem}" for done in passes for problem in done.errors]
        if errors:
            # A failed call is what the alarm on the controller sees; the other releases were taken on all the same.
            raise UnavailableError("part of a release", "; ".join(errors))
        return {"releases": {done.record.id: done.record.phase.value for done in passes}}

    return handle


handler = make_handler(Settings.of(os.environ))
