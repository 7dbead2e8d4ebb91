"""The function `capture`: what CloudWatch Logs passes on of the logs of models becomes files and labels."""

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from functions.capture.settings import Settings
from slipway.aws.table import DynamoTable
from slipway.config import load_config
from slipway.monitoring.accuracy.labels_table import DynamoLabelStore
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.collecting import Retention, collect
from slipway.monitoring.captures.subscriptions import subscribed_lines
from slipway.monitoring.telemetry.logs import log_as_json

Handler = Callable[[Any, Any], dict[str, int]]
_log = logging.getLogger(__name__)


def make_handler(settings: Settings) -> Handler:
    """A handler of subscription events; it fails where not all could be kept, and Lambda then calls it again."""
    log_as_json()
    config = load_config(settings.root / "slipway.yaml")
    kept = Retention(config.captured_models, timedelta(days=config.monitoring.capture_retention_days))
    files = CaptureBucket(settings.bucket)
    labels = DynamoLabelStore(DynamoTable(settings.control_table, dependency="control table"))

    def handle(event: Any, context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
        read = collect(subscribed_lines(event), files, labels, kept)
        if read.broken:
            # What is in them is not said: it is what somebody sent to a model.
            _log.warning("%d lines begin as captures do and are not whole; they are left out", read.broken)
        return {"captures": len(read.captures), "broken": read.broken}

    return handle


handler = make_handler(Settings.of(os.environ))
