from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, cloudwatch_logs

from local.emulator import bounded_memory
from local.emulator.bounded_memory import Series, evict_old, series_of, trim
from local.environment.settings import ACCOUNT, REGION


def point(second: float, value: float, count: float | None = None) -> dict[str, Any]:
    made = {"Timestamp": second, "Unit": "None", "Dimensions": {}, "Value": value}
    return made if count is None else {**made, "Count": count}


def stream(*messages: str) -> dict[str, Any]:
    return {"events": [{"message": message} for message in messages]}


def messages(group: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [each["message"] for each in found["events"]] for name, found in group["streams"].items()}


def test_statistics_are_those_of_all_values() -> None:
    values = [(1.1, 3.0), (1.9, 3.0), (1.95, 4.0), (2.0, 3.0)]
    series, plain = Series(), [point(*value) for value in values]
    for value in values:
        series.append(point(*value))

    assert len(series) == 3
    assert cloudwatch._calc_stats(series) == cloudwatch._calc_stats(plain)


def test_counts_of_values_are_added() -> None:
    series = Series()
    series.append(point(1.0, 3.0, 5.0))
    series.append(point(1.0, 3.0))

    assert [(each["Value"], each["Count"]) for each in series] == [(3.0, 6.0)]


def test_a_published_statistic_set_stays_apart() -> None:
    series = Series()
    for _ in range(2):
        series.append({**point(1.0, 3.0), "_stat": {"SampleCount": 2, "Sum": 6, "Minimum": 3, "Maximum": 3}})

    assert cloudwatch._calc_stats(series)["SampleCount"] == 4


def test_points_of_a_series_share_their_unit_and_dimensions_and_have_no_dictionary_of_their_own() -> None:
    series = Series()
    for second in range(3):
        series.append(point(float(second), 1.0) | {"Unit": "".join(["Cou", "nt"]), "Dimensions": {"Model": "tweets"}})
    series.append(point(3.0, 1.0) | {"Unit": "Seconds", "Dimensions": {"Model": "tweets"}})

    assert {id(each["Dimensions"]) for each in series[:3]} == {id(series[0]["Dimensions"])}
    assert {id(each["Unit"]) for each in series[:3]} == {id(series[0]["Unit"])}
    assert not any(isinstance(each, dict) or hasattr(each, "__dict__") for each in series)
    assert [each["Unit"] for each in series] == ["Count"] * 3 + ["Seconds"]


def test_a_point_reads_as_the_dictionary_that_it_stands_for() -> None:
    (found,) = Series([point(1.5, 3.0, 5.0)])

    assert found == point(1.5, 3.0, 5.0)
    assert found.get("_stat") is None


def test_the_oldest_points_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_memory, "POINTS_PER_SERIES", 100)
    series = Series()
    for second in range(250):
        series.append(point(float(second), 1.0))

    assert len(series) <= 100
    assert series[-1]["Timestamp"] == 249.0


def test_the_emulators_metrics_are_kept_this_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudwatch, "_metric_bucket", series_of)
    monkeypatch.setattr(cloudwatch, "_evict_old_metrics", evict_old)
    with request_scope(ACCOUNT, REGION):
        for _ in range(3):
            cloudwatch._store_datum("Tests", "Requests", {}, 1.0, "Count", None, [1.0], None, None)
        (found,) = [points for key, points in cloudwatch._metrics.items() if key[0] == "Tests"]
        cloudwatch.reset()

    assert [each["Count"] for each in found] == [3.0]


def test_lines_of_past_calls_go_first_and_a_tasks_stream_stays() -> None:
    group = {
        "streams": {"large/app/1": stream("a", "b"), "2026/11/27/[1]x": stream("c"), "2026/11/27/[1]y": stream("d")}
    }

    trim(group, 3)
    assert messages(group) == {"large/app/1": ["a", "b"], "2026/11/27/[1]y": ["d"]}

    trim(group, 1)
    assert messages(group) == {"large/app/1": ["b"]}

    trim(group, 0)
    assert messages(group) == {"large/app/1": []}


def test_a_forgotten_line_leaves_no_record_of_it() -> None:
    name, stream = "/tests/tasks", "large/app/1"
    with request_scope(ACCOUNT, REGION):
        cloudwatch_logs._create_log_group({"logGroupName": name})
        cloudwatch_logs._create_log_stream({"logGroupName": name, "logStreamName": stream})
        lines = [{"timestamp": time_ms, "message": f"line {time_ms}"} for time_ms in range(5)]
        cloudwatch_logs._put_log_events({"logGroupName": name, "logStreamName": stream, "logEvents": lines})

        trim(cloudwatch_logs._log_groups[name], 2)
        kept = [record["@message"] for record in cloudwatch_logs._log_records.values() if record["@log"] == name]
        cloudwatch_logs.reset()

    assert kept == ["line 3", "line 4"]
