"""The complete permissions of each role."""

import json

import pytest

from slipway.serving.settings import Settings

LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"]
FEATURES, PREDICTIONS, CONTROL, MODELS = "Features", "Predictions", "Control", "Models"


def on(*partitions):
    """The condition that confines a statement to partitions."""
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [*partitions]}}


# Reads the keys of prediction ids, may create them, and may not change them.
SIGNS = [
    (["ssm:GetParameter"], "parameter/tiny/id-keys", None),
    (["ssm:PutParameter"], "parameter/tiny/id-keys", None),
    (["not ssm:PutParameter"], "parameter/tiny/id-keys", {"StringEquals": {"ssm:Overwrite": ["true"]}}),
]
RELEASES = (["dynamodb:BatchGetItem"], CONTROL, on("model#*"))


def statements_of(templates, function):
    """Each statement of a function's role as (actions, logical name of the resource, condition)."""
    (policy,) = [
        resource["Properties"]["PolicyDocument"]["Statement"]
        for name, resource in templates.of_type("AWS::IAM::Policy").items()
        if name.startswith(f"{function}Role")
    ]
    return [(_actions(s), _resource(s["Resource"]), s.get("Condition")) for s in policy]


def test_predict_reads_features_and_uses_the_cache(templates):
    assert statements_of(templates, "Predict") == [
        (LOGS, "PredictLogs", None),
        RELEASES,
        (["dynamodb:BatchGetItem"], FEATURES, None),
        (["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"], PREDICTIONS, on("tiny-sentiment#*")),
        *SIGNS,
    ]


def test_predict_only_reads_what_is_precomputed_of_a_model_without_a_cache(synthesize):
    ahead = "  tiny-tabular: { versions: [1], stable: 1, cache: { precomputed: patient } }\n"
    made = synthesize(cache=False, models=ahead)
    on_predictions = [each for each in statements_of(made, "Predict") if each[1] == PREDICTIONS]
    assert on_predictions == [(["dynamodb:BatchGetItem"], PREDICTIONS, on("tiny-tabular#*"))]
    variables = function(made, "Predict")["Environment"]["Variables"]
    assert "SLIPWAY_PREDICTIONS_TABLE" in variables


def test_predict_touches_no_table_that_its_models_do_not_need(synthesize):
    bare = synthesize(cache=False, models="")
    assert statements_of(bare, "Predict") == [(LOGS, "PredictLogs", None), RELEASES, *SIGNS]
    variables = function(bare, "Predict")["Environment"]["Variables"]
    assert [name for name in variables if name.startswith("SLIPWAY_")] == ["SLIPWAY_CONTROL_TABLE", "SLIPWAY_ID_KEYS"]


def test_features_reads_and_writes_features(templates):
    assert statements_of(templates, "Features") == [
        (LOGS, "FeaturesLogs", None),
        (["dynamodb:BatchGetItem", "dynamodb:PutItem"], FEATURES, None),
    ]


def test_feedback_writes_feedback_and_counts_rewards_in_the_control_table(templates):
    assert statements_of(templates, "Feedback") == [
        (LOGS, "FeedbackLogs", None),
        (
            ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            CONTROL,
            on("feedback#*", "reward#*", "impression#*", "labelled#*"),
        ),
        RELEASES,  # among them the registry's records, for the labels of versions that are not in the bundle
        SIGNS[0],
    ]


def test_nothing_may_do_everything(templates):
    for policy in templates.of_type("AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            assert not [action for action in _list(statement["Action"]) if "*" in action]
            assert statement["Resource"] != "*"


def test_the_only_managed_policy_is_codedeploys(templates):
    managed = {
        name: role["Properties"]["ManagedPolicyArns"]
        for name, role in templates.of_type("AWS::IAM::Role").items()
        if "ManagedPolicyArns" in role["Properties"]
    }
    assert [name.startswith("DeploymentsRole") for name in managed] == [True]


@pytest.mark.parametrize("name", ["Predict", "Features", "Feedback"])
def test_only_the_api_may_call_a_function_and_only_its_alias(templates, name):
    permissions = [
        permission["Properties"]
        for permission in templates.of_type("AWS::Lambda::Permission").values()
        if permission["Properties"]["FunctionName"]["Ref"].startswith(name)
    ]
    scheduled = [each for each in permissions if each["Principal"] == "events.amazonaws.com"]
    assert len(scheduled) == (1 if name == "Predict" else 0)
    for each in scheduled:
        assert each["FunctionName"]["Ref"].startswith(f"{name}Live")
        assert each["SourceArn"]["Fn::GetAtt"][0].startswith(f"{name}KeepWarm")
    (permission,) = [each for each in permissions if each not in scheduled]
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert permission["FunctionName"]["Ref"].startswith(f"{name}Live")
    assert {"Ref": api(templates)} in permission["SourceArn"]["Fn::Join"][1]


def function(templates, name):
    (found,) = [
        resource["Properties"]
        for id_, resource in templates.of_type("AWS::Lambda::Function").items()
        if id_.startswith(f"{name}Function")
    ]
    return found


def api(templates):
    (name,) = templates.of_type("AWS::ApiGatewayV2::Api")
    return name


def _actions(statement):
    denied = "not " if statement["Effect"] == "Deny" else ""
    return [denied + action for action in _list(statement["Action"])]


def _list(actions):
    return actions if isinstance(actions, list) else [actions]


def _resource(reference):
    if "Fn::GetAtt" in reference:
        return reference["Fn::GetAtt"][0].rstrip("0123456789ABCDEF")
    if "Fn::Join" in reference:
        whole, *_, below = reference["Fn::Join"][1]
        if whole == "arn:":
            return below.lstrip(":")
        return _resource(whole) + below
    exported = reference["Fn::ImportValue"].removeprefix("tiny-state:ExportsOutputFnGetAtt")
    return next(table for table in (FEATURES, PREDICTIONS, CONTROL, MODELS) if exported.startswith(table))


@pytest.fixture(scope="module")
def fetching(synthesize):
    """A project with versions that only the registry has."""
    return synthesize(cache=False, models="  tiny-tabular: { versions: [1, 3, 4], stable: 1 }\n")


def test_predict_may_read_just_the_versions_that_it_takes_from_the_registry(fetching):
    assert statements_of(fetching, "Predict") == [
        (LOGS, "PredictLogs", None),
        RELEASES,
        (["dynamodb:BatchGetItem"], FEATURES, None),
        *SIGNS,
        (["dynamodb:Query"], CONTROL, on("model#tiny-tabular")),
        (["s3:GetObject"], f"{MODELS}/models/tiny-tabular/3/*", None),
        (["s3:GetObject"], f"{MODELS}/models/tiny-tabular/4/*", None),
    ]
    given = Settings.of(function(fetching, "Predict")["Environment"]["Variables"])
    assert (given.control_table is not None, given.model_bucket is not None) == (True, True)


def test_a_synth_says_which_versions_come_from_the_registry(fetching):
    (said,) = [
        entry["data"]
        for file in fetching.folder.glob("*.metadata.json")
        for entries in json.loads(file.read_text(encoding="utf-8")).values()
        for entry in entries
        if entry["type"] == "aws:cdk:info"
    ]
    assert said.startswith("tiny-tabular: version 3, 4 of slipway.yaml is not here")
