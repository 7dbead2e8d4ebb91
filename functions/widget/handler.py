"""Answers CloudWatch's custom widgets with the console's pictures: drift, accuracy, and the weights of releases."""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.widget.settings import Settings
from slipway.aws.table import DynamoTable
from slipway.config import load_config
from slipway.console.widget.answer import answer
from slipway.console.widget.reading import Sources
from slipway.models.measurements.measured import MeasuredVersions
from slipway.models.registry.opening import aws_registry, downloads_folder
from slipway.monitoring.accuracy.labelled_table import DynamoLabelled
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.drift.reference_bucket import BucketReferences
from slipway.monitoring.telemetry.instrumentation import Handler, instrument
from slipway.releases.routing.serving_table import DynamoServingStore


def make_handler(settings: Settings) -> Handler[str]:
    """Create the handler of a widget's calls; what cannot be shown is answered in words, and not as an error."""
    config = load_config(settings.root / "slipway.yaml")
    registry = aws_registry(settings.control_table, settings.models)
    sources = Sources(
        config,
        CaptureBucket(settings.captures),
        BucketReferences(settings.captures),
        DynamoLabelled(DynamoTable(settings.control_table, dependency="control table")),
        DynamoServingStore(settings.control_table),
        MeasuredVersions(config, settings.root, registry, cache=downloads_folder()).package,
    )

    def handle(event: dict[str, Any], context: LambdaContext) -> str:  # noqa: ARG001 - Lambda's signature
        return answer(event, sources, datetime.now(UTC))

    return instrument(handle, service="widget")


handler = make_handler(Settings.of(os.environ))
