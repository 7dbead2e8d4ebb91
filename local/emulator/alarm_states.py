"""Evaluate alarms every few seconds, on their own dimensions and periods.

MiniStack evaluates alarms only on `PutMetricData`, and mixes the points of all metrics of the same name.
"""

import operator
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from local.environment.settings import ACCOUNT, REGION

_EVERY_SECONDS = 5.0
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_MISSING = {"breaching": True, "notBreaching": False}

Alarm = dict[str, Any]


def install() -> None:
    """Make this process's MiniStack evaluate alarms this way until it ends."""
    cloudwatch._evaluate_alarm = evaluate
    threading.Thread(target=_watch, name="alarms", daemon=True).start()


def evaluate(alarm: Alarm) -> None:
    """Update an alarm's state from its metric and run its actions; alarms on metric math are skipped."""
    if not alarm.get("MetricName") or alarm["ComparisonOperator"] not in _COMPARISONS:
        return
    before, after = alarm["StateValue"], state_of(alarm, _values(alarm, time.time()))
    if after in (None, before):
        return
    reason = f"Threshold Crossed: {alarm['ComparisonOperator']} {alarm['Threshold']}"
    alarm.update(StateValue=after, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, after, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, after, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def state_of(alarm: Mapping[str, Any], values: Sequence[float | None]) -> str | None:
    """The state that follows from the values of the last periods; None if it does not change."""
    compare, missing = _COMPARISONS[alarm["ComparisonOperator"]], alarm.get("TreatMissingData", "missing")
    verdicts = [_MISSING.get(missing) if value is None else compare(value, alarm["Threshold"]) for value in values]
    known = [verdict for verdict in verdicts if verdict is not None]
    if not known:
        return "INSUFFICIENT_DATA" if missing == "missing" else None
    needed = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    return "ALARM" if sum(known) >= needed else "OK"


def _values(alarm: Alarm, now: float) -> list[float | None]:
    """The statistic of each of the last periods, including the current one; None where there is no data."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or []
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    last, period = int(now // alarm["Period"]), alarm["Period"]
    periods: dict[int, list[Any]] = {last - back: [] for back in range(alarm["EvaluationPeriods"])}
    for point in list(points):
        periods.get(int(point["Timestamp"] // period), []).append(point)
    return [
        cloudwatch._stat_value(cloudwatch._calc_stats(found), statistic, found) if found else None
        for found in periods.values()
    ]


def _watch() -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        with request_scope(ACCOUNT, REGION):
            cloudwatch._evaluate_all_alarms()
