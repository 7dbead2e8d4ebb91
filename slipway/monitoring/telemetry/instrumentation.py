"""Powertools for every deployable: structured logs, X-Ray traces, and metrics that have one set of dimensions.

What is logged is what went wrong and what was decided: never an event, an input or an answer.
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

from slipway.config.environment import SERVICE_NAME, TRACE_DISABLED
from slipway.monitoring.telemetry.metrics import CATALOGUE, NAMESPACE

LIBRARY = "slipway"
"""The logger of all library modules."""

Answer = TypeVar("Answer")
Handler = Callable[[Any, Any], Answer]


def start_logging(service: str) -> Logger:
    """Make every logger of this process write JSON to standard error, which leaves standard output to metrics.

    Library modules log from ``POWERTOOLS_LOG_LEVEL`` upwards, other packages from warnings upwards.

    Args:
        service: what the lines are from, where ``POWERTOOLS_SERVICE_NAME`` does not say it.
    """
    root = logging.getLogger()
    if not root.handlers:  # Lambda's runtime has put one there already
        root.addHandler(logging.StreamHandler(sys.stderr))
    logger = Logger(os.environ.get(SERVICE_NAME) or service, stream=sys.stderr, use_rfc3339=True, utc=True)
    logging.getLogger(LIBRARY)  # registers it
    copy_config_to_registered_loggers(logger, include={LIBRARY})
    for handler in root.handlers:
        handler.setFormatter(logger.registered_formatter)
    root.setLevel(logging.WARNING)
    return logger


def instrument(handler: Handler[Answer], *, service: str, correlation_id_path: str | None = None) -> Handler[Answer]:
    """A Lambda handler whose log lines say which request they are of, and that X-Ray traces where it is turned on.

    Args:
        handler: takes an event and Lambda's context.
        service: the function's name, where ``POWERTOOLS_SERVICE_NAME`` does not say it.
        correlation_id_path: where the event has an id of the request, in JMESPath; `correlation_paths` has them.
    """

    def handle(event: Any, context: Any) -> Answer:
        return handler(event, context)

    handle.__name__ = service  # X-Ray shows it
    # Turned off, Tracer would still import the X-Ray SDK and go through it at each call.
    if os.environ.get(TRACE_DISABLED, "true").lower() == "false":
        handle = Tracer(service=os.environ.get(SERVICE_NAME) or service).capture_lambda_handler(
            handle, capture_response=False
        )
    logger = start_logging(service)
    return logger.inject_lambda_context(handle, log_event=False, correlation_id_path=correlation_id_path)


def single_metric_line(name: str, value: float, dimensions: Mapping[str, str], timestamp_ms: int) -> str:
    """A line, without its end, that records one value under one set of dimensions."""
    # Without a service of its own, Powertools would add `POWERTOOLS_SERVICE_NAME` to the dimensions.
    metric = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="", default_dimensions=dict(dimensions))
    metric.add_metric(name, CATALOGUE[name].unit, value)
    metric.timestamp = timestamp_ms
    # Powertools writes a list of one, which CloudWatch takes for the same.
    return json.dumps({**metric.serialize_metric_set(), name: value}, separators=(",", ":"))
