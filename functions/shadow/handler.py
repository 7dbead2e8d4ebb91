"""The function `shadow`: scores captures with the candidates and, for comparison, the stable version."""

import logging
import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.shadow.settings import Settings
from slipway.config import Config, load_config
from slipway.models.bundle import open_version
from slipway.monitoring.captures.parsing import read_captures
from slipway.monitoring.captures.subscriptions import subscribed_lines
from slipway.monitoring.telemetry.instrumentation import Handler, instrument
from slipway.monitoring.telemetry.requests import write_to_stdout
from slipway.releases.routing.serving_table import DynamoServingStore
from slipway.releases.shadow.runner import Load, ShadowRunner

_LOG = logging.getLogger("slipway")
# The part of a call's time limit that is reserved for writing the results.
_RESERVE_SECONDS = 3.0


def make_handler(settings: Settings) -> Handler[dict[str, int]]:
    """Create the handler of subscription events. Failed calls are not retried, or their records would count twice."""
    config = load_config(settings.root / "slipway.yaml")
    releases = DynamoServingStore(settings.control_table)
    shadower = ShadowRunner(config, releases, _load(settings, config), write_to_stdout)

    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
        read = read_captures(subscribed_lines(event))
        if read.broken:
            _LOG.warning("%d lines begin as captures do and are not whole; they are left out", read.broken)
        seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
        return {"captures": len(read.captures), "scored": shadower.score(read.captures, seconds)}

    return instrument(handle, service="shadow")


def _load(settings: Settings, config: Config) -> Load:
    """Return a loader that opens a version when a shadow first needs it, from the bundle or else the registry."""
    if settings.model_bucket is None:
        return lambda name, number: open_version(
            config, config.model_folder(settings.root, name) / str(number), name, number
        )
    from slipway.models.registry.fetching import VersionLoader
    from slipway.models.registry.opening import aws_registry, downloads_folder

    registry = aws_registry(settings.control_table, settings.model_bucket)
    return VersionLoader(config, settings.root, registry, cache=downloads_folder()).load


handler = make_handler(Settings.of(os.environ))
