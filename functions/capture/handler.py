"""The function `capture`: stores the captures in log events from CloudWatch Logs as files and labels."""

import logging
import os
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.capture.settings import Settings
from slipway.aws.table import DynamoTable
from slipway.config import load_config
from slipway.monitoring.accuracy.labels_table import DynamoLabelStore
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.collecting import Retention, collect
from slipway.monitoring.captures.subscriptions import subscribed_lines
from slipway.monitoring.telemetry.instrumentation import Handler, instrument

_LOG = logging.getLogger("slipway")


def make_handler(settings: Settings) -> Handler[dict[str, int]]:
    """Create the handler of subscription events. It fails if not everything was stored, and Lambda then retries."""
    config = load_config(settings.root / "slipway.yaml")
    kept = Retention(
        config.captured_models,
        timedelta(days=config.monitoring.capture_retention_days),
        {name: model.release.segments for name, model in config.models.items()},
    )
    files = CaptureBucket(settings.bucket)
    labels = DynamoLabelStore(DynamoTable(settings.control_table, dependency="control table"))

    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
        read = collect(subscribed_lines(event), files, labels, kept)
        if read.broken:
            # Their content is not logged, because it is what callers sent to a model.
            _LOG.warning("%d lines begin as captures do and are not whole; they are left out", read.broken)
        return {"captures": len(read.captures), "broken": read.broken}

    return instrument(handle, service="capture")


handler = make_handler(Settings.of(os.environ))
