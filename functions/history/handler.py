"""The function `history`: stores the changes of feature rows, in events of the table's stream, as files."""

import logging
import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.history.settings import Settings
from slipway.config import load_config
from slipway.features.history.bucket import HistoryBucket
from slipway.models.registry.bucket import s3_client
from slipway.monitoring.history.recording import record
from slipway.monitoring.telemetry.instrumentation import Handler, instrument

_LOG = logging.getLogger("slipway")


def make_handler(settings: Settings) -> Handler[dict[str, list[dict[str, str]]]]:
    """Create the handler of stream events. It names the records that were not stored, and Lambda sends them again."""
    groups = load_config(settings.root / "slipway.yaml").recorded_groups
    files = HistoryBucket(settings.bucket, s3_client())

    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:  # noqa: ARG001 - Lambda's signature
        recorded = record(event, files, groups)
        # Their content is not logged, because features may be personal.
        if recorded.foreign:
            _LOG.warning("%d records are not features of a recorded group; they are left out", recorded.foreign)
        if recorded.error is not None:
            _LOG.error("%d changes of features were not stored: %s", len(recorded.failed), recorded.error)
        return recorded.response()

    return instrument(handle, service="history")


handler = make_handler(Settings.of(os.environ))
