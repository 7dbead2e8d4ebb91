"""Read in a heavy model's log why its tasks refuse a version: they write that and end."""

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from slipway.aws.clients import answered_by, new_client
from slipway.errors import UnavailableError
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.golden import REASON

_LOG = logging.getLogger("slipway")
_SERVICE = "CloudWatch Logs"
_MOST_PAGES = 10  # a page has up to 1 MB, and a pass under a minute


class LogLoadFailures:
    """A `LoadFailures` over the log group of one model's tasks; ``options`` are passed to boto3's client.

    A log that cannot be read tells nothing, and the release goes by the tasks' health alone.
    """

    def __init__(self, group: str, options: Mapping[str, Any]) -> None:
        self._group = group
        self._client = new_client("logs", options)

    def __call__(self, model: str, version: int, since: datetime) -> str:
        try:
            for line in self._lines(since):
                if line.get(metrics.MODEL) == model and line.get(metrics.VERSION) == str(version):
                    return str(line.get(REASON, ""))
        except UnavailableError as error:
            _LOG.warning("why %s %s is not ready is not known: %s", model, version, error)
        return ""

    def _lines(self, since: datetime) -> Iterator[Mapping[str, Any]]:
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=self._group,
            filterPattern=metrics.GOLDEN_FAILURES,
            startTime=int(since.timestamp() * 1000),
        )
        with answered_by(_SERVICE):
            for _, page in zip(range(_MOST_PAGES), pages, strict=False):
                yield from filter(None, map(_parsed, page.get("events", ())))


def _parsed(event: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        line = json.loads(event.get("message", ""))
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}
