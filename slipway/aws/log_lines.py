"""Reads the lines of CloudWatch log groups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slipway.aws.clients import answered_by, new_client

_SERVICE = "CloudWatch Logs"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line, with its time and the log group that it is in."""

    at: datetime
    group: str
    text: str


def read_lines(
    groups: Sequence[str], options: Mapping[str, Any], *, since: datetime, until: datetime | None = None
) -> list[LogLine]:
    """The lines of some groups in [``since``, ``until``], by time; raises UnavailableError."""
    client = new_client("logs", options)
    end = {} if until is None else {"endTime": _milliseconds(until) + 1000}
    found: list[LogLine] = []
    for group in groups:
        with answered_by(_SERVICE):
            pages = client.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=_milliseconds(since), **end
            )
            for page in pages:
                found += _lines(group, page.get("events", ()))
    return sorted(found, key=lambda line: line.at)


def _lines(group: str, events: Iterable[Mapping[str, Any]]) -> list[LogLine]:
    return [
        LogLine(datetime.fromtimestamp(each["timestamp"] / 1000, UTC), group, each.get("message", ""))
        for each in events
    ]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
