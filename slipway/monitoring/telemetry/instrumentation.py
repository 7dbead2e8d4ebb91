"""Sets up Powertools for every deployable: structured logs, X-Ray traces, and metrics with one set of dimensions.

Logs hold failures and decisions, never events, inputs or answers.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from slipway.config.deployment.environment import SERVICE_NAME, TRACE_DISABLED
from slipway.monitoring.telemetry.metrics import CATALOGUE, NAMESPACE

LIBRARY = "slipway"
"""The logger of all library modules."""

Answer = TypeVar("Answer")
Handler = Callable[[Any, Any], Answer]


def start_logging(service: str) -> Logger:
    """Make every logger of this process write JSON to standard error; standard output is for metrics.

    Slipway's modules log from ``POWERTOOLS_LOG_LEVEL`` upwards, other packages from warnings upwards.

    Args:
        service: the service name of the log lines, unless ``POWERTOOLS_SERVICE_NAME`` sets it.
    """
    root = logging.getLogger()
    if not root.handlers:  # Lambda's runtime installs its own
        root.addHandler(logging.StreamHandler(sys.stderr))
    logger = Logger(os.environ.get(SERVICE_NAME) or service, stream=sys.stderr, use_rfc3339=True, utc=True)
    logging.getLogger(LIBRARY)  # registers it
    copy_config_to_registered_loggers(logger, include={LIBRARY})
    for handler in root.handlers:
        handler.setFormatter(logger.registered_formatter)
    root.setLevel(logging.WARNING)
    return logger


def instrument(handler: Handler[Answer], *, service: str, correlation_id_path: str | None = None) -> Handler[Answer]:
    """Return a Lambda handler that adds the request to its log lines, and traces with X-Ray if tracing is on.

    Args:
        handler: takes an event and Lambda's context.
        service: the function's name, unless ``POWERTOOLS_SERVICE_NAME`` sets it.
        correlation_id_path: the JMESPath of the request id in the event; see Powertools' `correlation_paths`.
    """

    def handle(event: Any, context: Any) -> Answer:
        return handler(event, context)

    handle.__name__ = service  # X-Ray shows it
    # Even when disabled, Tracer imports the X-Ray SDK and passes each call through it.
    if os.environ.get(TRACE_DISABLED, "true").lower() == "false":
        handle = Tracer(service=os.environ.get(SERVICE_NAME) or service).capture_lambda_handler(
            handle, capture_response=False
        )
    logger = start_logging(service)
    return logger.inject_lambda_context(handle, log_event=False, correlation_id_path=correlation_id_path)


def single_metric_line(name: str, value: float, dimensions: Mapping[str, str], timestamp_ms: int) -> str:
    """Return a metric line without a newline that records one value under one set of dimensions."""
    # Without an explicit service, Powertools adds `POWERTOOLS_SERVICE_NAME` to the dimensions.
    metric = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="", default_dimensions=dict(dimensions))
    metric.add_metric(name, CATALOGUE[name].unit, value)
    metric.timestamp = timestamp_ms
    # Powertools writes a list of one value; the bare value means the same to CloudWatch.
    return json.dumps({**metric.serialize_metric_set(), name: value}, separators=(",", ":"))
