"""Runs queries of CloudWatch Logs Insights, which are charged by the size of the log that they read.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
"""

import math
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from slipway.aws.clients import answered_by, new_client
from slipway.errors import UnavailableError

_SERVICE = "CloudWatch Logs"
_RUNNING = frozenset({"Scheduled", "Running", "Unknown"})
_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 15.0

Row = dict[str, str]


class LogQueries:
    """Queries log groups; ``options`` go to the boto3 client, ``sleep`` waits for seconds."""

    def __init__(self, options: Mapping[str, Any], *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = new_client("logs", options)
        self._sleep = sleep

    def read(self, group: str, query: str, start: datetime, end: datetime) -> list[Row]:
        """Return the rows of a query over the events from ``start`` until before ``end``; empty fields are left out.

        ``query`` is a pipeline such as ``filter … | stats …``.

        Raises:
            UnavailableError: the query was refused, failed, or took longer than 15 seconds.
        """
        # The service's own range is in whole seconds and includes its end, so events on the edge would count twice.
        exact = f"filter toMillis(@timestamp) >= {_ms(start)} | filter toMillis(@timestamp) < {_ms(end)} | {query}"
        with answered_by(_SERVICE):
            started = self._client.start_query(
                logGroupName=group,
                queryString=exact,
                startTime=math.floor(start.timestamp()),
                endTime=math.ceil(end.timestamp()),
            )
            return self._finished(started["queryId"])

    def _finished(self, query: str) -> list[Row]:
        for _ in range(round(_PATIENCE_SECONDS / _PAUSE_SECONDS)):
            found = self._client.get_query_results(queryId=query)
            if found["status"] == "Complete":
                return [{each["field"]: each["value"] for each in row if "value" in each} for row in found["results"]]
            if found["status"] not in _RUNNING:
                raise UnavailableError(_SERVICE, f"a query has ended as {found['status']}")
            self._sleep(_PAUSE_SECONDS)
        self._client.stop_query(queryId=query)
        raise UnavailableError(_SERVICE, f"a query takes longer than {_PATIENCE_SECONDS:g} seconds")


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
