"""Alarms on metric math: kept and described, never evaluated, since MiniStack computes no expressions."""

from collections.abc import Mapping
from typing import Any

from ministack.services import cloudwatch

_TYPE = "AWS::CloudWatch::Alarm"
# MiniStack asks each alarm for one metric; this one has no data, and is taken out again below.
_PLACEHOLDER = {"MetricName": "MetricMath", "Namespace": "Slipway/Local"}

Properties = Mapping[str, Any]


def handlers(existing: Mapping[str, Any]) -> dict[str, Any]:
    """The handler of alarms: MiniStack's own, with expressions allowed."""
    plain = existing[_TYPE]

    def create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        return _keep_expression(plain["create"](logical_id, _single(properties), stack_name), properties)

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str, *logical_id: str) -> Any:
        return _keep_expression(plain["update"](physical_id, _single(old), _single(new), stack_name, *logical_id), new)

    return {_TYPE: {**plain, "create": create, "update": update}}


def _single(properties: Properties) -> Properties:
    """The properties with one metric in place of an expression."""
    if "Metrics" not in properties:
        return properties
    return {**{key: value for key, value in properties.items() if key != "Metrics"}, **_PLACEHOLDER}


def _keep_expression(created: tuple[str, Any], properties: Properties) -> tuple[str, Any]:
    if "Metrics" in properties:
        record = cloudwatch._alarms[created[0]]
        record.update(Metrics=properties["Metrics"], MetricName=None, Namespace=None)
    return created
