"""Alarms: the states that follow from values, and the metric that an alarm reads."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import cloudwatch

from local.emulator.alarm_states import evaluate, state_of

ALARM = {
    "AlarmName": "faults",
    "Namespace": "Slipway",
    "MetricName": "Faults",
    "Dimensions": [{"Name": "Project", "Value": "demo"}, {"Name": "Model", "Value": "large"}],
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 1.0,
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "TreatMissingData": "notBreaching",
    "StateValue": "INSUFFICIENT_DATA",
}


@pytest.mark.parametrize(
    ("values", "changes", "expected"),
    [
        ([2, 0, 2], {}, "ALARM"),
        ([2, 1, 1], {}, "OK"),
        ([2, None, None], {}, "OK"),
        ([None, None, None], {}, "OK"),
        ([2, None, None], {"TreatMissingData": "breaching"}, "ALARM"),
        ([None, None, None], {"TreatMissingData": "missing"}, "INSUFFICIENT_DATA"),
        ([None, None, None], {"TreatMissingData": "ignore"}, None),
        ([2, 2, 1], {"DatapointsToAlarm": None}, "OK"),
        ([1, 1, 1], {"DatapointsToAlarm": None, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}, "ALARM"),
        ([0, 0, 1], {"ComparisonOperator": "LessThanThreshold"}, "ALARM"),
    ],
)
def test_the_values_of_the_last_periods_make_the_state(
    values: list[float | None], changes: dict[str, Any], expected: str | None
) -> None:
    assert state_of({**ALARM, **changes}, values) == expected


@pytest.fixture
def clean() -> Iterator[None]:
    yield
    cloudwatch.reset()


@pytest.mark.usefixtures("clean")
def test_only_the_metric_with_the_alarms_dimensions_counts() -> None:
    alarm: dict[str, Any] = {**ALARM, "EvaluationPeriods": 2, "DatapointsToAlarm": 1}

    record(9, Project="demo")
    evaluate(alarm)
    assert alarm["StateValue"] == "OK"

    record(9, Project="demo", Model="large")
    evaluate(alarm)
    assert alarm["StateValue"] == "ALARM"


def record(value: float, **dimensions: str) -> None:
    cloudwatch._store_datum("Slipway", "Faults", dimensions, time.time(), "Count", value, None, None, None)
