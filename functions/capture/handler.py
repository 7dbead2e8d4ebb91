"""The function `capture`: stores the captures in log events from CloudWatch Logs as files, labels and index."""

import logging
import os
import time
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.capture.settings import Settings
from slipway.aws.table import DynamoTable
from slipway.config import load_config
from slipway.monitoring.accuracy.labels_table import DynamoLabelStore
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.collecting import Retention, Stores, collect
from slipway.monitoring.captures.subscriptions import subscribed_lines
from slipway.monitoring.entities.forgotten import DynamoForgotten
from slipway.monitoring.entities.index_table import DynamoEntityIndex
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.instrumentation import Handler, instrument, single_metric_line
from slipway.monitoring.telemetry.requests import write_to_stdout

_LOG = logging.getLogger("slipway")


def make_handler(settings: Settings) -> Handler[dict[str, int]]:
    """Create the handler of subscription events. It fails if not everything was stored, and Lambda then retries."""
    config = load_config(settings.root / "slipway.yaml")
    retention = Retention(
        config.captured_models,
        timedelta(days=config.monitoring.capture_retention_days),
        {name: model.release.segments for name, model in config.models.items()},
        config.captured_entities,
    )
    stores = Stores(
        files=CaptureBucket(settings.bucket),
        labels=DynamoLabelStore(DynamoTable(settings.control_table, dependency="control table")),
        index=DynamoEntityIndex(settings.control_table),
        forgotten=DynamoForgotten(settings.control_table),
    )

    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
        found = collect(subscribed_lines(event), stores, retention)
        if found.broken:
            # Their content is not logged, because it is what callers sent to a model.
            _LOG.warning("%d lines begin as captures do and are not whole; they are left out", found.broken)
        if found.not_indexed:
            dimensions = {metrics.PROJECT: config.project}
            line = single_metric_line(metrics.NOT_INDEXED, found.not_indexed, dimensions, int(time.time() * 1000))
            write_to_stdout(f"{line}\n")
        return {"captures": len(found.captures), "broken": found.broken, "not_indexed": found.not_indexed}

    return instrument(handle, service="capture")


handler = make_handler(Settings.of(os.environ))
