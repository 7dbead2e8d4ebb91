"""Queries of CloudWatch Logs Insights, which run for some seconds after they are started."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slipway.aws.clients import answered_by, new_client
from slipway.errors import UnavailableError
from slipway.releases.evidence.bucket_query import MOST_ROWS, Row

_SERVICE = "CloudWatch Logs"
_UNDER_WAY = frozenset({"Scheduled", "Running"})


class CloudWatchLogQueries:
    """`LogQueries` of an account; ``options`` are passed to boto3's client."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._client = new_client("logs", options)

    def start(self, group: str, text: str, start: datetime, end: datetime) -> str:
        """Start a query over the lines that a log group received in [``start``, ``end``], and return its id."""
        times = {"startTime": int(start.timestamp()), "endTime": int(end.timestamp())}
        with answered_by(_SERVICE):
            asked = self._client.start_query(logGroupName=group, queryString=text, limit=MOST_ROWS, **times)
        return str(asked["queryId"])

    def rows(self, query: str) -> list[Row] | None:
        """Return the rows of a query, without the fields that a row lacks; None while it runs."""
        rows: list[Row] = []
        page: dict[str, str] = {}
        while True:
            with answered_by(_SERVICE):
                found = self._client.get_query_results(queryId=query, **page)
            if found["status"] in _UNDER_WAY:
                return None
            if found["status"] != "Complete":
                raise UnavailableError(_SERVICE, f"a query ended as {found['status']}")
            rows += [{each["field"]: each["value"] for each in row if "value" in each} for row in found["results"]]
            if len(rows) >= MOST_ROWS:
                raise UnavailableError(_SERVICE, f"a query has {MOST_ROWS:,} rows or more, and not all of them came")
            if "nextToken" not in found:
                return rows
            page = {"nextToken": found["nextToken"]}
