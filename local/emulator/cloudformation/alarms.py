"""Alarms with a list of metrics, which templates use for metric math and for metrics with a label.

A list of one metric becomes that metric. Metric math is stored and described but not evaluated, because MiniStack does
not compute expressions.
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import cloudwatch

_TYPE = "AWS::CloudWatch::Alarm"
# MiniStack requires one metric per alarm; this one has no data and is removed again below.
_PLACEHOLDER = {"MetricName": "MetricMath", "Namespace": "Slipway/Local"}
_STATISTICS = {"SampleCount", "Average", "Sum", "Minimum", "Maximum"}

Properties = Mapping[str, Any]


def handlers(existing: Mapping[str, Any]) -> dict[str, Any]:
    """MiniStack's handler of alarms, extended to allow expressions."""
    plain = existing[_TYPE]

    def create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        return _keep_expression(plain["create"](logical_id, _single(properties), stack_name), properties)

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str, *logical_id: str) -> Any:
        return _keep_expression(plain["update"](physical_id, _single(old), _single(new), stack_name, *logical_id), new)

    return {_TYPE: {**plain, "create": create, "update": update}}


def _single(properties: Properties) -> Properties:
    """The properties with one metric instead of the list."""
    if "Metrics" not in properties:
        return properties
    others = {key: value for key, value in properties.items() if key != "Metrics"}
    return {**others, **(_PLACEHOLDER if _is_expression(properties) else _only_metric(properties))}


def _is_expression(properties: Properties) -> bool:
    return any("Expression" in each for each in properties.get("Metrics", ()))


def _only_metric(properties: Properties) -> dict[str, Any]:
    """The only metric of the list, as the properties of an alarm on a single metric."""
    (found,) = (each["MetricStat"] for each in properties["Metrics"])
    statistic = "Statistic" if found["Stat"] in _STATISTICS else "ExtendedStatistic"
    return {**found["Metric"], "Period": found["Period"], statistic: found["Stat"]}


def _keep_expression(created: tuple[str, Any], properties: Properties) -> tuple[str, Any]:
    if _is_expression(properties):
        record = cloudwatch._alarms[created[0]]
        # MiniStack has already evaluated the placeholder, which has no data.
        state = {"StateValue": "INSUFFICIENT_DATA", "StateReason": "metric math is not computed here"}
        record.update(Metrics=properties["Metrics"], MetricName=None, Namespace=None, **state)
    return created
