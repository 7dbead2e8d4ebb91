"""The function of custom widgets: it exists where a model is captured, and reads sums and no capture."""

import json
from typing import Any

import pytest

from functions.widget.settings import Settings
from slipway.console.widget.asked import Picture, parse_asked

MODEL = "tiny-tabular"


def resources_of(template: dict[str, Any], prefix: str = "Pictures") -> dict[str, Any]:
    return {name: each for name, each in template["Resources"].items() if name.startswith(prefix)}


@pytest.fixture
def own(capturing: Any) -> dict[str, Any]:
    return resources_of(capturing.releases)


def only(resources: dict[str, Any], type_: str) -> dict[str, Any]:
    (found,) = [each["Properties"] for each in resources.values() if each["Type"] == type_]
    return dict(found)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(resources: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = only(resources, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    return found


def test_it_reads_sums_and_baselines_and_no_capture(own: dict[str, Any]) -> None:
    reads = [json.dumps(each["Resource"]) for each in statements(own) if "s3:GetObject" in listed(each["Action"])]
    folders = {text.rpartition('"/')[2].partition("/*")[0] for text in reads}
    assert {"profiles", "monitoring"} <= folders
    assert not {"captures", "reservoir", "ledgers", ""} & folders
    files = {text.rpartition("/")[2].rstrip('"]}') for text in reads if f"models/{MODEL}/" in text}
    assert files == {"model.yaml", "baseline.json", "calibration.json"}


def test_it_may_change_nothing(own: dict[str, Any]) -> None:
    actions = {action for each in statements(own) for action in listed(each["Action"])}
    assert actions == {
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:ListBucket",
    }


def test_of_the_control_table_it_reads_releases_versions_and_labels(own: dict[str, Any]) -> None:
    keys = [
        each["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for each in statements(own)
        if any(action.startswith("dynamodb:") for action in listed(each["Action"]))
    ]
    assert sorted(key for each in keys for key in each) == ["labelled#*", "model#*"]


def test_its_environment_is_what_it_reads(own: dict[str, Any]) -> None:
    variables = only(own, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert Settings.of({name: json.dumps(value) for name, value in variables.items()}).control_table


def widgets(template: dict[str, Any]) -> list[dict[str, Any]]:
    """The custom widgets of the releases' dashboard; what CloudFormation fills in is a word."""
    boards = [each for each in template["Resources"].values() if each["Type"] == "AWS::CloudWatch::Dashboard"]
    found = []
    for board in boards:
        parts = board["Properties"]["DashboardBody"]["Fn::Join"][1]
        body = json.loads("".join(part if isinstance(part, str) else "token" for part in parts))
        found += [each for each in body["widgets"] if each["type"] == "custom"]
    return found


def test_the_dashboard_asks_for_pictures_that_there_are(capturing: Any) -> None:
    found = [each["properties"] for each in widgets(capturing.releases)]
    asked = [parse_asked(each["params"]) for each in found]
    assert {(each.picture, each.model) for each in asked} >= {
        (Picture.WEIGHTS, None),
        (Picture.DRIFT, MODEL),
        (Picture.ACCURACY, MODEL),
    }
    assert all(each["updateOn"] == {"refresh": True, "resize": True, "timeRange": True} for each in found)


def test_who_looks_at_the_dashboard_may_call_it_and_nothing_else(capturing: Any) -> None:
    policy = only(resources_of(capturing.releases, "Viewer"), "AWS::IAM::ManagedPolicy")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert statement["Resource"]["Ref"].startswith("PicturesFunctionLive")


def test_without_captures_there_is_no_widget(heavy: Any) -> None:
    assert resources_of(heavy.releases) == {}
    assert widgets(heavy.releases) == []
