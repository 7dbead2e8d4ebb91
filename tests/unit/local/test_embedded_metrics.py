"""Log lines become metrics: those of Slipway, and of other writers of the format."""

import json
from collections.abc import Iterator

import pytest
from ministack.services import cloudwatch, cloudwatch_logs

from local.emulator import embedded_metrics
from local.emulator.embedded_metrics import Datum, parse
from slipway.monitoring.telemetry.metrics import metric_line

TIME_MS = 1_790_000_000_123


def line(**values: object) -> str:
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    directives = [{"Namespace": "Shop", "Dimensions": [["City"], ["City", "Till"]], "Metrics": metrics}]
    metadata = {"Timestamp": TIME_MS, "CloudWatchMetrics": directives}
    return json.dumps({"_aws": metadata, "City": "Bergen", "Till": 7, **values})


def test_a_line_of_slipway_gives_each_metric_under_each_of_its_sets() -> None:
    dimensions = {"Project": "demo", "Model": "tweets"}

    data = list(parse(metric_line({"Requests": 1, "Latency": 12.5, "Faults": 0}, dimensions, TIME_MS)))

    found = {(datum.name, tuple(datum.dimensions.items())): datum.values for datum in data}
    of_project, of_model = (("Project", "demo"),), (("Project", "demo"), ("Model", "tweets"))
    assert found == {
        ("Requests", of_project): [1],
        ("Requests", of_model): [1],
        ("Latency", of_project): [12.5],
        ("Latency", of_model): [12.5],
        ("Faults", of_project): [0],
    }
    assert {datum.namespace for datum in data} == {"Slipway"}
    assert {datum.unit for datum in data if datum.name == "Latency"} == {"Milliseconds"}


def test_several_dimension_sets_of_one_directive_are_several_metrics() -> None:
    data = list(parse(line(Sales=3)))

    assert [dict(datum.dimensions) for datum in data] == [{"City": "Bergen"}, {"City": "Bergen", "Till": "7"}]


def test_a_list_of_values_is_as_many_samples() -> None:
    assert {tuple(datum.values) for datum in parse(line(Sales=[3, 4.5]))} == {(3.0, 4.5)}


@pytest.mark.parametrize(
    "message",
    [
        "START RequestId: 1",
        "",
        '{"level": "INFO"}',
        '{"_aws": {"CloudWatchMetrics": ',
        '["CloudWatchMetrics"]',
        '{"_aws": "CloudWatchMetrics"}',
        '{"note": "CloudWatchMetrics"}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "Shop", "Dimensions": [[]], "Metrics": [{}]}]}}',
        line(Sales="three"),
        line(Sales=None),
        line(Sales=True),
        line(),
    ],
)
def test_other_lines_are_no_metrics(message: str) -> None:
    assert list(parse(message)) == []


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The emulator's logs with the extraction installed for the test."""
    monkeypatch.setattr(cloudwatch_logs, "_append_log_events", cloudwatch_logs._append_log_events)
    embedded_metrics.install()
    yield
    cloudwatch.reset()
    cloudwatch_logs.reset()


@pytest.mark.usefixtures("installed")
def test_what_is_put_into_a_log_group_can_be_asked_for_as_a_metric() -> None:
    cloudwatch_logs._create_log_group({"logGroupName": "group"})
    cloudwatch_logs._create_log_stream({"logGroupName": "group", "logStreamName": "stream"})
    events = [{"timestamp": TIME_MS, "message": message} for message in ("hello", line(Sales=[2, 4]), line(Sales=9))]
    cloudwatch_logs._put_log_events({"logGroupName": "group", "logStreamName": "stream", "logEvents": events})

    points = cloudwatch._metrics[("Shop", "Sales", cloudwatch._dims_key({"City": "Bergen"}))]

    assert [point["Value"] for point in points] == [2, 4, 9]
    assert {point["Timestamp"] for point in points} == {TIME_MS / 1000}
    stored = cloudwatch_logs._log_groups["group"]["streams"]["stream"]["events"]
    assert [event["message"] for event in stored] == [event["message"] for event in events]


def test_a_datum_keeps_what_the_line_says() -> None:
    assert next(parse(line(Sales=1))) == Datum("Shop", "Sales", "Count", {"City": "Bergen"}, [1.0], TIME_MS)
