"""Captures: their log groups, the function's permissions, and the handling of its failures."""

import pytest
from support.templates import acknowledged_in, compare_with_snapshot, lint

from functions.capture.settings import Settings
from slipway.errors import ConfigError

BUCKET = "tiny-state:ExportsOutputFnGetAttCapturesBucketA18E2F11Arn22C35BF8"
TIERS = {"serving": "PredictLogs", "heavy": "TinyLargeModelLogs"}


@pytest.fixture(params=TIERS)
def own(request, capturing):
    """The resources of the function of one stack, and the log group that it reads."""
    template = getattr(capturing, request.param)
    return resources_of(template), TIERS[request.param]


def resources_of(template):
    return {name: each for name, each in template["Resources"].items() if name.startswith("Captures")}


def only(resources, type_):
    (found,) = [each["Properties"] for each in resources.values() if each["Type"] == type_]
    return found


def test_each_stack_subscribes_to_the_logs_of_its_own_models(own):
    resources, logs = own
    subscription = only(resources, "AWS::Logs::SubscriptionFilter")
    assert subscription["LogGroupName"]["Ref"].startswith(logs)
    assert subscription["FilterPattern"] == '"capture"'
    assert subscription["DestinationArn"]["Ref"].startswith("CapturesFunctionLive")


def test_only_that_log_group_may_call_it(own):
    resources, logs = own
    permission = only(resources, "AWS::Lambda::Permission")
    assert permission["Principal"] == "logs.amazonaws.com"
    assert permission["SourceArn"]["Fn::GetAtt"][0].startswith(logs)
    assert permission["FunctionName"]["Ref"].startswith("CapturesFunctionLive")


def test_it_may_write_files_and_count_labels_and_nothing_else(own):
    resources, _ = own
    assert rights(resources) == RIGHTS


def test_it_may_index_entities_where_a_model_is_captured_by_them(synthesize):
    by_entity = "  tiny-tabular: { versions: [1], stable: 1, capture: { sample: 1, by: entity } }"
    resources = resources_of(synthesize(models=by_entity).serving)
    assert rights(resources) == [*RIGHTS, (["dynamodb:BatchWriteItem"], "control", ["entity#*"])]


def test_by_entity_needs_one(synthesize):
    models = "  tiny-large: { versions: [1], stable: 1, capture: { sample: 1, by: entity } }"
    with pytest.raises(ConfigError, match=r"models.tiny-large.capture.by: needs `entity`"):
        synthesize(models=models)


RIGHTS = [
    (["logs:CreateLogStream", "logs:PutLogEvents"], "logs", None),
    (["s3:ListBucket"], "bucket", None),
    (["s3:PutObject"], "bucket/captures/*", None),
    (["s3:PutObject"], "bucket/aws/lambda/async/*", None),
    (
        ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
        "control",
        ["feedback#*", "reward#*", "labelled#*"],
    ),
    (["dynamodb:Query"], "control", ["forgotten"]),
]


def rights(resources):
    """What the function may do: actions, resource and partitions of each statement."""
    found = []
    for statement in only(resources, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        found.append((actions, resource(statement["Resource"]), keys))
    # A single value is no list, and what is allowed on the same resource and condition stands in the order of grants.
    return [(actions, on, [keys] if isinstance(keys, str) else keys) for actions, on, keys in found]


def resource(reference):
    if "Fn::Join" in reference:
        whole, below = reference["Fn::Join"][1]
        return resource(whole) + below
    if "Fn::GetAtt" in reference:
        return "logs" if reference["Fn::GetAtt"][0].startswith("CapturesFunctionLogs") else "?"
    exported = reference["Fn::ImportValue"]
    return next(word for part, word in (("CapturesBucket", "bucket"), ("Control", "control")) if part in exported)


def test_what_it_fails_on_is_tried_again_and_then_kept_where_captures_are(own):
    resources, _ = own
    invoked = next(each for each in resources.values() if each["Type"] == "AWS::Lambda::EventInvokeConfig")
    assert invoked["Properties"]["Qualifier"] == "live"
    assert invoked["Properties"]["MaximumRetryAttempts"] == 2
    assert resource(invoked["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]) == "bucket"
    # Lambda refuses a destination that the role may not write to.
    assert any(name.startswith("CapturesFunctionRoleDefaultPolicy") for name in invoked["DependsOn"])


def test_somebody_is_told_when_it_fails(own):
    resources, _ = own
    alarm = only(resources, "AWS::CloudWatch::Alarm")
    metric = alarm["Metrics"][0]["MetricStat"]["Metric"] if "Metrics" in alarm else alarm
    assert (metric["Namespace"], metric["MetricName"]) == ("AWS/Lambda", "Errors")
    assert alarm["AlarmActions"]


def test_the_environment_is_what_the_function_reads(own):
    resources, _ = own
    variables = only(resources, "AWS::Lambda::Function")["Environment"]["Variables"]
    given = {name: value if isinstance(value, str) else resource(value) for name, value in variables.items()}
    settings = Settings.of(given)
    assert (settings.bucket, settings.control_table) == ("bucket", "control")


def test_without_captures_there_is_no_function_and_no_subscription(templates, heavy):
    for project in (templates, heavy):
        assert not project.of_type("AWS::Logs::SubscriptionFilter")
        assert not [name for name in project.of_type("AWS::Lambda::Function") if name.startswith("Captures")]


def test_a_stack_without_models_that_are_captured_has_none(synthesize):
    light = synthesize(models="  tiny-tabular: { versions: [1], stable: 1, capture: { sample: 1 } }")
    assert [name.startswith("CapturesPredict") for name in light.of_type("AWS::Logs::SubscriptionFilter")] == [True]


@pytest.mark.parametrize("stack", TIERS)
def test_cfn_lint_has_nothing_to_say(capturing, stack):
    assert lint(getattr(capturing, stack)) == []


@pytest.mark.parametrize("stack", TIERS)
def test_nothing_is_acknowledged_but_the_names_of_files(capturing, stack):
    files = {f"AwsSolutions-IAM5[Resource::{BUCKET}/{folder}/*]" for folder in ("captures", "aws/lambda/async")}
    at = f"tiny-{stack}/Captures/Function"
    found = {path: each for path, each in acknowledged_in(capturing).items() if path.startswith(at)}
    assert found == {
        f"{at}/Role": files,
        f"{at}/Function": {"AwsSolutions-L1", "@aws-cdk/aws-lambda:snapStartRequirePublish"},
    }


@pytest.mark.parametrize("stack", TIERS)
def test_the_resources_are_what_they_were(capturing, stack):
    compare_with_snapshot(f"captures-{stack}", {"Resources": resources_of(getattr(capturing, stack))})
