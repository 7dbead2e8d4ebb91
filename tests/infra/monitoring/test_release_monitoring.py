"""Monitoring of releases: the topic, and a dashboard whose metrics all have a writer."""

import json
import re

import pytest

from slipway.monitoring.telemetry.metrics import CATALOGUE

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SEARCH = re.compile(
    r"SEARCH\('\{Slipway,Project,Model,(?P<by>\w+)\} Project=\"tiny\" Model=\"(?P<model>[\w-]+)\" "
    r"MetricName=\"(?P<name>\w+)\"', '(?P<statistic>\w+)', 60\)"
)
SHOWN = {
    "light": {
        "traffic by version, %": {("Predictions", "Version", "Sum"), ("Share", "Version", "Average")},
        "failures by version": {("Failures", "Version", "Sum")},
        "inference by version, ms": {("InferenceLatency", "Version", "p50"), ("InferenceLatency", "Version", "p99")},
        "mean reward by version": {("Reward", "Version", "Average")},
        "shadows, answers compared with the live ones": {
            ("Compared", "Shadow", "Sum"),
            ("Disagreements", "Shadow", "Sum"),
        },
        "shadows, inference, ms": {("InferenceLatency", "Shadow", "p50"), ("InferenceLatency", "Shadow", "p99")},
        "shadows, failures": {("Failures", "Shadow", "Sum")},
    },
}
SHOWN["heavy"] = {**SHOWN["light"], "failures by version": {("Faults", "Version", "Sum")}}


def of_type(template, type_):
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == type_]


def widgets_of(template):
    """The widgets of the stack's only dashboard, with references replaced by a word."""
    (dashboard,) = of_type(template, "AWS::CloudWatch::Dashboard")
    parts = dashboard["DashboardBody"]["Fn::Join"][1]
    return json.loads("".join(part if isinstance(part, str) else "reference" for part in parts))["widgets"]


def graphs_of(template):
    return {
        each["properties"]["title"]: each["properties"] for each in widgets_of(template) if each["type"] == "metric"
    }


def searches_of(graph):
    found = [SEARCH.search(options.get("expression", "")) for *_, options in graph["metrics"]]
    return [each for each in found if each]


@pytest.mark.parametrize(("model", "tier"), [("tiny-sentiment", "light"), ("tiny-large", "heavy")])
def test_each_model_is_shown_by_its_versions_and_shadows(heavy, model, tier):
    graphs = graphs_of(heavy.releases)
    headings = [each["properties"]["markdown"] for each in widgets_of(heavy.releases) if each["type"] == "text"]
    assert f"## {model}, {tier}" in headings
    for title, wanted in SHOWN[tier].items():
        searches = searches_of(graphs[f"{model}: {title}"])
        assert {(each["name"], each["by"], each["statistic"]) for each in searches} == wanted
        assert {each["model"] for each in searches} == {model}


def test_every_metric_that_is_searched_for_is_written_under_these_dimensions(heavy):
    searches = [each for graph in graphs_of(heavy.releases).values() for each in searches_of(graph)]
    assert len(searches) == 22
    for search in searches:
        metric = CATALOGUE[search["name"]]
        assert ("Project", "Model", search["by"]) in (*metric.dimension_sets, *metric.in_slots)


def test_what_versions_have_of_the_traffic_is_beside_what_the_release_wants(heavy):
    (shown,), (made,), (wanted,) = graphs_of(heavy.releases)["tiny-large: traffic by version, %"]["metrics"]
    assert (shown["expression"], made["id"], made["visible"]) == ("100 * made / SUM(made)", "made", False)
    assert wanted["label"] == "version ${PROP('Dim.Version')} wanted"


def test_the_controller_is_shown_with_its_failures_and_its_limit(templates):
    graphs = graphs_of(templates.releases)
    names = [each[1] for each in graphs["Controller: runs and failures"]["metrics"]]
    assert names == ["Invocations", "Errors"]
    longest = graphs["Controller: longest run, ms"]
    assert [each[1] for each in longest["metrics"]] == ["Duration"]
    (limit,) = longest["annotations"]["horizontal"]
    (function,) = of_type(templates.releases, "AWS::Lambda::Function")
    assert limit["value"] == 1000 * function["Timeout"]
    (alarms,) = [each["properties"]["alarms"] for each in widgets_of(templates.releases) if each["type"] == "alarm"]
    assert len(alarms) == 2


def test_releases_are_told_to_a_topic_of_their_own_and_alarms_to_theirs(templates):
    (topic,) = [name for name, each in templates.releases["Resources"].items() if each["Type"] == "AWS::SNS::Topic"]
    (function,) = of_type(templates.releases, "AWS::Lambda::Function")
    assert function["Environment"]["Variables"]["SLIPWAY_RELEASE_TOPIC"] == {"Ref": topic}
    assert templates.releases["Outputs"]["ReleaseTopic"]["Value"] == {"Ref": topic}
    for alarm in of_type(templates.releases, "AWS::CloudWatch::Alarm"):
        assert "AlarmsTopic" in json.dumps(alarm["AlarmActions"])
    assert of_type(templates.releases, "AWS::SNS::Subscription") == []


def test_the_topic_refuses_what_is_not_tls(templates):
    (policy,) = of_type(templates.releases, "AWS::SNS::TopicPolicy")
    refused = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
    assert [each["Condition"] for each in refused] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_slipway_yaml_says_who_is_told_and_which_key_encrypts(synthesize):
    rest = f"monitoring: {{ alarms: {{ key_arn: '{KEY}' }}, releases: {{ email: ml@example.com }} }}"
    releases = synthesize(rest=rest).releases
    (subscription,) = of_type(releases, "AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ml@example.com")
    (topic,) = of_type(releases, "AWS::SNS::Topic")
    assert topic["KmsMasterKeyId"] == KEY
    (policy,) = of_type(releases, "AWS::IAM::Policy")
    (allowed,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Resource"] == KEY]
    assert allowed["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
