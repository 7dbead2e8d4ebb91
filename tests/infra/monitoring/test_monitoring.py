"""The metrics of the alarms and the dashboard all have a writer."""

import json
from collections.abc import Iterator

import pytest

from slipway.monitoring.telemetry.metrics import CATALOGUE, NAMESPACE, Kind

ALARMS = {
    "AlarmsFaults",
    "AlarmsLatency",
    "AlarmsNotLoaded",
    "AlarmsGolden",
    *(
        f"Alarms{name}{what}"
        for name in ("Predict", "Features", "Feedback")
        for what in ("Errors", "Throttles", "NewFailing", "NewSlow")
    ),
}


def alarms_of(templates):
    return {
        name.rstrip("0123456789ABCDEF"): alarm["Properties"]
        for name, alarm in templates.of_type("AWS::CloudWatch::Alarm").items()
    }


def dashboard_of(templates, prefix=""):
    """The widgets, with references replaced by the names of their targets."""
    dashboards = templates.of_type("AWS::CloudWatch::Dashboard").items()
    (dashboard,) = [each for name, each in dashboards if name.startswith(prefix)]
    _, parts = dashboard["Properties"]["DashboardBody"]["Fn::Join"]
    body = "".join(part if isinstance(part, str) else str(next(iter(part.values()))).replace('"', "") for part in parts)
    return json.loads(body.replace("'", ""))["widgets"]


def graphs_of(templates):
    return {
        w["properties"]["title"]: expanded(w["properties"]) for w in dashboard_of(templates) if w["type"] == "metric"
    }


def expanded(properties) -> list[tuple[str, str, dict[str, str], str]]:
    """Each metric of a widget as (namespace, name, dimensions, statistic)."""
    found: list[tuple[str, str, dict[str, str], str]] = []
    previous: list[str] = []
    for entry in properties["metrics"]:
        *names, options = entry if isinstance(entry[-1], dict) else (*entry, {})
        if not names:
            continue
        row = [previous[i] if name == "." else name for i, name in enumerate(names)]
        row = previous[: len(row)] if names == ["..."] else row
        if names[0] == "...":
            row = [*previous[: len(previous) - len(names) + 1], *names[1:]]
        previous = row
        dimensions = dict(zip(row[2::2], row[3::2], strict=True))
        found.append((row[0], row[1], dimensions, options.get("stat", "Average")))
    return found


def slipways_metrics(templates) -> Iterator[tuple[str, dict[str, str]]]:
    for metrics in graphs_of(templates).values():
        yield from ((name, dimensions) for namespace, name, dimensions, _ in metrics if namespace == NAMESPACE)
    for alarm in alarms_of(templates).values():
        for metric in [alarm, *(m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m)]:
            if metric.get("Namespace") == NAMESPACE:
                yield metric["MetricName"], {d["Name"]: d["Value"] for d in metric["Dimensions"]}


def test_every_metric_that_is_looked_at_is_written_under_these_dimensions(templates):
    looked_at = list(slipways_metrics(templates))
    assert len(looked_at) > 20
    for name, dimensions in looked_at:
        assert set(dimensions) in [set(names) for names in CATALOGUE[name].dimension_sets], (name, dimensions)
        assert dimensions["Project"] == "tiny"


def test_the_dashboard_shows_what_the_service_promises(templates):
    graphs = graphs_of(templates)
    assert [dimensions["Model"] for _, _, dimensions, _ in graphs["Requests"]] == ["tiny-sentiment", "tiny-tabular"]
    kinds = {(dimensions["Model"], dimensions["Kind"]) for _, _, dimensions, _ in graphs["Errors by kind"]}
    assert kinds == {(m, k) for m in ("tiny-sentiment", "tiny-tabular") for k in set(Kind) - {Kind.THROTTLED}} | {
        ("unknown", "not_found")
    }
    for title in ("Latency in the service, ms", "Latency at the API, ms"):
        assert {statistic for *_, statistic in graphs[title]} == {"p50", "p90", "p99"}
    assert {name for _, name, _, _ in graphs["Latency at the API, ms"]} == {"Latency"}
    versions = [(d["Model"], d["Version"]) for _, _, d, _ in graphs["Predictions by version"]]
    assert versions == [("tiny-sentiment", "1"), ("tiny-sentiment", "2"), ("tiny-tabular", "1")]
    assert [d["Function"] for _, _, d, _ in graphs["Cold starts"]] == ["predict", "features", "feedback"]
    assert {name for _, name, _, _ in graphs["Features read"]} == {"FeatureHits", "FeatureMisses"}
    assert {d["Model"] for _, _, d, _ in graphs["Features read"]} == {"tiny-tabular"}
    assert {(name, d["Model"]) for _, name, d, _ in graphs["Prediction cache"]} == {
        ("CacheHits", "tiny-sentiment"),
        ("CacheMisses", "tiny-sentiment"),
    }
    assert [name for _, name, _, _ in graphs["Concurrent executions"]] == ["ConcurrentExecutions"]
    for title, metric in (("Throttles", "Throttles"), ("Duration, p99, ms", "Duration")):
        assert [name for _, name, _, _ in graphs[title]] == [metric] * 3


def test_the_dashboard_shows_the_failures_that_aws_answered_itself(heavy):
    widgets = dashboard_of(heavy, "Dashboard")
    (graph,) = [each["properties"] for each in widgets if "no function or task" in each["properties"].get("title", "")]
    counted = [(row[1], row[-1]["id"]) for row in graph["metrics"] if len(row) > 1]
    assert [name for name, _ in counted] == ["5xx", "Faults", "Faults", "Faults"]
    (expression,) = [row[0]["expression"] for row in graph["metrics"] if len(row) == 1]
    rest = "FILL(answered, 0) - FILL(faults, 0) - FILL(slot0, 0) - FILL(slot1, 0)"
    assert expression == f"IF({rest} > 0, {rest}, 0)"
    assert {id_ for _, id_ in counted} == {"answered", "faults", "slot0", "slot1"}


@pytest.mark.parametrize("name", ["Predict", "Features", "Feedback"])
def test_a_deploy_is_rolled_back_by_the_failures_of_its_own_version(templates, name):
    alarms, version = alarms_of(templates), f"{name}FunctionCurrentVersion"
    failing = alarms[f"Alarms{name}NewFailing"]
    metrics = {each["Id"]: each["MetricStat"]["Metric"] for each in failing["Metrics"] if "MetricStat" in each}
    assert {key: (each["Namespace"], each["MetricName"]) for key, each in metrics.items()} == {
        "crashes": ("AWS/Lambda", "Errors"),
        "calls": ("AWS/Lambda", "Invocations"),
        "faults": ("Slipway", "Faults"),
    }
    (slow,) = [each["MetricStat"]["Metric"] for each in alarms[f"Alarms{name}NewSlow"]["Metrics"]]
    assert (slow["Namespace"], slow["MetricName"]) == ("AWS/Lambda", "Duration")
    for metric in (*metrics.values(), slow):
        (executed,) = [each["Value"] for each in metric["Dimensions"] if each["Name"] == "ExecutedVersion"]
        assert executed["Fn::GetAtt"][0].startswith(version)
        assert executed["Fn::GetAtt"][1] == "Version"


def test_the_dashboard_is_within_what_costs_nothing(templates):
    # The first three dashboards of up to 50 metrics each are free.
    assert sum(len(metrics) for metrics in graphs_of(templates).values()) <= 50


def test_idle_is_not_an_alarm_and_every_alarm_tells_the_topic(templates):
    alarms = alarms_of(templates)
    assert set(alarms) == ALARMS
    (topic,) = templates.of_type("AWS::SNS::Topic")
    for alarm in alarms.values():
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}]


def test_alarms_go_off_where_slipway_yaml_says(synthesize):
    settings = "{ email: ops@example.com, error_percent: 2.5, p99_milliseconds: 80, throttles_per_minute: 3 }"
    changed = synthesize(rest=f"monitoring: {{ alarms: {settings} }}")
    thresholds = {name: alarm["Threshold"] for name, alarm in alarms_of(changed).items()}
    assert thresholds["AlarmsFaults"] == 2.5
    assert thresholds["AlarmsLatency"] == 80
    assert thresholds["AlarmsPredictThrottles"] == 3
    (subscription,) = changed.of_type("AWS::SNS::Subscription").values()
    assert (subscription["Properties"]["Protocol"], subscription["Properties"]["Endpoint"]) == (
        "email",
        "ops@example.com",
    )


def test_the_fault_alarm_is_a_share_of_the_requests(templates):
    metrics = alarms_of(templates)["AlarmsFaults"]["Metrics"]
    (expression,) = [metric["Expression"] for metric in metrics if "Expression" in metric]
    assert expression == "100 * FILL(faults, 0) / requests"
    assert {m["MetricStat"]["Metric"]["MetricName"] for m in metrics if "MetricStat" in m} == {"Faults", "Requests"}


def test_the_topic_refuses_what_is_not_tls(templates):
    (policy,) = templates.of_type("AWS::SNS::TopicPolicy").values()
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    assert [s["Condition"] for s in statements if s["Effect"] == "Deny"] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_the_topic_is_encrypted_with_the_key_of_slipway_yaml(synthesize):
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    encrypted = synthesize(rest=f"monitoring: {{ alarms: {{ key_arn: '{key}' }} }}")
    (topic,) = encrypted.of_type("AWS::SNS::Topic").values()
    assert topic["Properties"]["KmsMasterKeyId"] == key
