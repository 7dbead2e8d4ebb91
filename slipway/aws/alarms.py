"""Reads the states of a project's CloudWatch alarms."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.aws.clients import answered_by


@dataclass(frozen=True, slots=True)
class AlarmState:
    """An alarm: its state (`OK`, `ALARM` or `INSUFFICIENT_DATA`), since when, and why."""

    name: str
    state: str
    since: datetime | None
    reason: str
    description: str = ""


def alarm_states(prefix: str, client: Any) -> list[AlarmState]:
    """The alarms whose names begin with ``prefix``, those that are on first; ``client`` is boto3's of CloudWatch.

    Raises:
        UnavailableError: CloudWatch cannot be reached, or refuses.
    """
    found: list[dict[str, Any]] = []
    with answered_by("CloudWatch"):
        kinds = ["MetricAlarm", "CompositeAlarm"]
        for page in client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=kinds):
            found += [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]
    states = [
        AlarmState(
            each["AlarmName"],
            each["StateValue"],
            each.get("StateUpdatedTimestamp"),
            each.get("StateReason", ""),
            each.get("AlarmDescription", ""),
        )
        for each in found
    ]
    return sorted(states, key=lambda each: (each.state != "ALARM", each.name))
