"""The metrics of heavy models' alarms and dashboards all have a writer and cost nothing extra."""

import json
import re

from slipway.monitoring.telemetry.metrics import CATALOGUE, NAMESPACE

SLOTS = ("blue", "green")
SEARCH = re.compile(
    r"SEARCH\('\{Slipway,Project,Model,Version\} Project=\"tiny\" Model=\"tiny-large\" "
    r"MetricName=\"(?P<name>\w+)\"', '(?P<statistic>\w+)', 60\)"
)


def dashboard_of(templates):
    """The graphs of the model's dashboard by title, with references replaced by a word."""
    (body,) = [
        dashboard["Properties"]["DashboardBody"]["Fn::Join"][1]
        for name, dashboard in templates.of_type("AWS::CloudWatch::Dashboard").items()
        if name.startswith("TinyLarge")
    ]
    text = "".join(part if isinstance(part, str) else "reference" for part in body)
    widgets = json.loads(text)["widgets"]
    return {each["properties"]["title"]: each["properties"] for each in widgets if each["type"] == "metric"}


def series_of(graph):
    """Each metric of a graph as (namespace, name, dimensions), with CloudWatch's shorthand expanded."""
    found, previous = [], []
    for entry in graph["metrics"]:
        row = [each for each in entry if not isinstance(each, dict)]
        if not row:
            continue
        if row[0] == "...":
            row = [*previous[: len(previous) - len(row) + 1], *row[1:]]
        row = [previous[place] if each == "." else each for place, each in enumerate(row)]
        previous = row
        found.append((row[0], row[1], dict(zip(row[2::2], row[3::2], strict=True))))
    return found


def alarms_of(templates):
    return {
        name.rstrip("0123456789ABCDEF"): alarm["Properties"]
        for name, alarm in templates.of_type("AWS::CloudWatch::Alarm").items()
        if name.startswith("TinyLarge")
    }


def test_every_metric_of_the_dashboard_is_written_under_these_dimensions(gpu):
    looked_at = [each for graph in dashboard_of(gpu).values() for each in series_of(graph) if each[0] == NAMESPACE]
    assert len(looked_at) > 20
    for _, name, dimensions in looked_at:
        assert dimensions.keys() == {"Project", "Model", "Slot"}
        assert any(set(each) == dimensions.keys() for each in written(name))


def written(name):
    return [*CATALOGUE[name].dimension_sets, *CATALOGUE[name].in_slots]


def test_the_dashboard_shows_each_slot(heavy):
    graphs = dashboard_of(heavy)
    titles = {
        "Requests by slot": {"Requests"},
        "Latency by slot, ms": {"Latency"},
        "Errors by slot": {"Errors", "Faults"},
        "Time in the queue, ms": {"QueueTime"},
        "Records in a batch": {"BatchSize"},
        "Padding, share of a batch": {"PaddingShare"},
        "Rejected and expired": {"Rejected", "Expired"},
    }
    for title, names in titles.items():
        assert {name for _, name, _ in series_of(graphs[title])} == names
        assert {dimensions["Slot"] for *_, dimensions in series_of(graphs[title])} == set(SLOTS)


def test_the_dashboard_shows_what_the_slots_run_on(heavy, gpu):
    graphs = dashboard_of(heavy)
    assert {name for _, name, _ in series_of(graphs["Healthy hosts"])} == {"HealthyHostCount"}
    assert {name for _, name, _ in series_of(graphs["Tasks"])} == {"RunningTaskCount", "DesiredTaskCount"}
    assert {name for _, name, _ in series_of(graphs["CPU, %"])} == {"CPUUtilization"}
    assert {name for _, name, _ in series_of(graphs["Memory, %"])} == {"MemoryUtilization"}
    assert "GPU, %" not in graphs
    assert {name for _, name, _ in series_of(dashboard_of(gpu)["GPU, %"])} == {"GpuUtilization"}


def test_the_dashboard_finds_versions_that_come_after_it(heavy):
    graphs = dashboard_of(heavy)
    shown = {
        "Requests by version": {("Requests", "Sum")},
        "Latency by version, ms": {("Latency", "p50"), ("Latency", "p99")},
        "Errors by version": {("Errors", "Sum"), ("Faults", "Sum")},
    }
    for title, wanted in shown.items():
        found = [SEARCH.fullmatch(options["expression"]) for (options,) in graphs[title]["metrics"]]
        assert {(search["name"], search["statistic"]) for search in found} == wanted
        assert all(("Project", "Model", "Version") in written(search["name"]) for search in found)


def test_the_dashboard_is_within_what_costs_nothing(gpu):
    # A dashboard of up to 50 metrics is one of the three that are free. Each search finds one for each version: two or
    # three, where something was released within two weeks.
    graphs = dashboard_of(gpu).values()
    searches = sum("expression" in options for graph in graphs for *_, options in graph["metrics"])
    assert sum(len(series_of(graph)) for graph in graphs) + 3 * searches <= 50


def test_each_slot_has_four_alarms_that_tell_the_topic(heavy):
    alarms = alarms_of(heavy)
    assert set(alarms) == {
        f"TinyLargeAlarms{slot.capitalize()}{what}"
        for slot in SLOTS
        for what in ("Faults", "Latency", "Rejected", "Healthy")
    }
    for alarm in alarms.values():
        assert "Topic" in json.dumps(alarm["AlarmActions"])
        assert alarm["AlarmActions"] == alarm["OKActions"]
        assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (2, 3)


def test_idle_is_no_alarm_and_a_slot_without_tasks_is_one(heavy):
    for alarm in alarms_of(heavy).values():
        assert alarm["TreatMissingData"] == "notBreaching"
    healthy = alarms_of(heavy)["TinyLargeAlarmsBlueHealthy"]
    metrics = {each["Id"]: each["MetricStat"] for each in healthy["Metrics"] if "MetricStat" in each}
    assert {name: (each["Metric"]["MetricName"], each["Stat"]) for name, each in metrics.items()} == {
        "healthy": ("HealthyHostCount", "Minimum"),
        "wanted": ("WantedTasks", "Maximum"),
    }
    # The controller writes the count, for a service without tasks has no metrics of its own.
    wanted = metrics["wanted"]["Metric"]
    assert {each["Name"]: each["Value"] for each in wanted["Dimensions"]} == {
        "Project": "tiny",
        "Model": "tiny-large",
        "Slot": "blue",
    }
    assert ("Project", "Model", "Slot") in written("WantedTasks")
    (expression,) = [each["Expression"] for each in healthy["Metrics"] if "Expression" in each]
    # A release takes the loser down to no tasks, which is as it should be and no alarm.
    assert expression == "IF(FILL(wanted, REPEAT) > 0, FILL(healthy, 0), 1)"
    assert (healthy["ComparisonOperator"], healthy["Threshold"]) == ("LessThanThreshold", 1)
