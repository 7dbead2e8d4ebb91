"""The managed policies for callers, feature writers and operators."""

import json
from fnmatch import fnmatchcase

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from infra.constructs.basics.table import table
from infra.constructs.light.route_groups import group_of
from infra.stacks.erasing import EraserPolicy
from infra.stacks.routes import ROUTES
from infra.stacks.tables import Tables
from slipway.config.deployment.stacks import stack_names

EVERY = [route for routes in ROUTES.values() for route in routes]
CALLED = {"id+": "u42/GET/v1/models", "model": "tiny", "version": "2", "entity": "user", "name": "page.js"}
JWT = "api: { authorization: jwt, jwt: { issuer: 'https://issuer.example', audience: [tiny] } }"


def policies(template):
    """The statements of each managed policy, by logical id less its hash."""
    return {
        name[:-8]: resource["Properties"]["PolicyDocument"]["Statement"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
    }


def text(value):
    """An ARN with each of its references as one name."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    return argument[0].join(map(text, argument[1])) if function == "Fn::Join" else f"<{str(argument).strip('[]')}>"


def listed(value):
    return value if isinstance(value, list) else [value]


def calls_allowed(statements):
    """The routes that a policy lets through, each called with values that have slashes where a path may."""
    patterns = [
        text(arn).split(":", 5)[-1].split("/", 1)[1]
        for each in statements
        if each["Action"] == "execute-api:Invoke"
        for arn in listed(each["Resource"])
    ]
    return {
        (method, path) for method, path in EVERY if any(fnmatchcase(as_called(method, path), each) for each in patterns)
    }


def as_called(method, path):
    parts = [CALLED[part[1:-1]] if part.startswith("{") else part for part in path.split("/")]
    return f"$default/{method}{'/'.join(parts)}"


@pytest.mark.parametrize(
    ("policy", "groups"),
    [("Caller", {"models", "predict", "feedback"}), ("FeatureWriter", {"features_read", "features_write"})],
)
def test_a_policy_allows_the_routes_of_its_groups_and_no_other(templates, policy, groups):
    statements = policies(templates.serving)[policy]
    assert [listed(each["Action"]) for each in statements] == [["execute-api:Invoke"]]
    assert calls_allowed(statements) == {route for route in EVERY if group_of(route) in groups}


def test_the_arns_of_policies_are_outputs_and_their_names_are_not_chosen(templates):
    wanted_of = ((templates.serving, {"Caller", "FeatureWriter"}), (templates.releases, {"Operator"}))
    for template, wanted in (*wanted_of, (templates.state, {"Eraser"})):
        found = policies(template)
        assert set(found) == wanted
        for name in found:
            (id_,) = [each for each in template["Resources"] if each[:-8] == name]
            assert template["Outputs"][f"{name}Policy"]["Value"] == {"Ref": id_}
            assert "ManagedPolicyName" not in template["Resources"][id_]["Properties"]
            assert "Roles" not in template["Resources"][id_]["Properties"]


def test_the_eraser_reads_and_rewrites_what_is_about_entities_and_nothing_else(templates):
    (statements,) = policies(templates.state).values()
    found = [
        (
            _place(text(arn)),
            listed(each["Action"]),
            each.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys"),
        )
        for each in statements
        for arn in listed(each["Resource"])
        if each["Action"] != "cloudformation:DescribeStacks"
    ]
    reading_and_deleting = ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:Query"]
    on_files = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObjectVersion"]
    about = ["entity#*", "feedback#*", "labelled#*", "forgotten", "erasure#*"]
    assert sorted(found) == sorted(
        [
            ("Features", reading_and_deleting, None),
            ("Predictions", reading_and_deleting[:2], None),
            ("Control", reading_and_deleting, about),
            ("Control", ["dynamodb:Query"], ["model#*"]),
            ("Captures", ["s3:ListBucket", "s3:ListBucketVersions"], None),
            ("Captures/captures/*", on_files, None),
            ("Captures/aws/lambda/async/*", on_files, None),
            ("Captures/reservoir/*", on_files, None),
            ("History", ["s3:ListBucket", "s3:ListBucketVersions"], None),
            ("History/history/*", on_files, None),
        ]
    )


def test_the_eraser_rewrites_histories_where_they_are_kept():
    stack = cdk.Stack(cdk.App(), "tiny-state")
    tables = Tables(
        *(table(stack, name, sort_key=True, expires=True) for name in ("Features", "Predictions", "Control"))
    )
    captures, history = (s3.Bucket(stack, name) for name in ("Captures", "History"))
    EraserPolicy(stack, "Erasing", project="tiny", tables=tables, captures=captures, history=history)
    (statements,) = policies(Template.from_stack(stack).to_json()).values()
    found = {text(arn): listed(each["Action"]) for each in statements for arn in listed(each["Resource"])}
    (on_files,) = [actions for arn, actions in found.items() if "History" in arn and arn.endswith("/history/*")]
    assert on_files == ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObjectVersion"]
    assert ["s3:ListBucket", "s3:ListBucketVersions"] in [a for arn, a in found.items() if "History" in arn]


def _place(arn):
    """The construct of a table or bucket, and the objects in it."""
    whole, _, rest = arn.partition("/")
    place = next(name for name in ("Features", "Predictions", "Control", "Captures", "History") if name in whole)
    return f"{place}/{rest}" if rest else place


def test_tokens_need_no_policy(synthesize):
    with_tokens = synthesize(models="", rest=JWT)
    assert policies(with_tokens.serving) == {}
    (operator,) = policies(with_tokens.releases).values()
    assert calls_allowed(operator) == set()


def rights(statements):
    """Each action's resources, as their ARNs end."""
    found = {}
    for each in statements:
        for action in listed(each["Action"]):
            found.setdefault(action, set()).update(text(arn) for arn in listed(each["Resource"]))
    return found


def test_the_operator_has_what_the_commands_call(heavy):
    statements = policies(heavy.releases)["Operator"]
    found = rights(statements)
    assert set(found) == {
        *("cloudformation:DescribeStacks", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),
        *("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query"),
        *("ecs:DescribeServices", "ecs:UpdateService"),
        *("elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeTargetHealth"),
        *("elasticloadbalancing:ModifyRule", "execute-api:Invoke"),
        *("logs:DeleteSubscriptionFilter", "logs:DescribeSubscriptionFilters", "logs:PutSubscriptionFilter"),
        *("logs:FilterLogEvents", "logs:GetQueryResults", "logs:StartQuery"),
        *("s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject", "sns:Publish"),
        *("ssm:GetParameter", "ssm:GetParameters", "ssm:PutParameter"),
    }
    assert {action for action, arns in found.items() if "*" in arns} == {
        *("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "logs:GetQueryResults"),
        *("elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeTargetHealth"),
    }
    assert [arn.rsplit(":parameter", 1)[1] for arn in found["ssm:GetParameter"]] == ["/tiny/id-keys"]
    assert {arn.rsplit(":parameter", 1)[1] for arn in found["ssm:PutParameter"]} == {"/tiny/id-keys", "/tiny/*"}
    assert calls_allowed(statements) == {route for route in EVERY if group_of(route) in {"models", "predict"}}


def test_the_operator_writes_records_of_models_and_reads_rewards(heavy):
    confined = {
        tuple(each["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]): listed(each["Action"])
        for each in policies(heavy.releases)["Operator"]
        if "dynamodb" in str(each["Action"])
    }
    assert confined == {
        ("model#*",): ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query"],
        ("reward#*",): ["dynamodb:Query"],
    }


@pytest.mark.parametrize(
    ("project", "stack", "policy"),
    [
        ("templates", "state", "Eraser"),
        ("templates", "releases", "Operator"),
        ("capturing", "releases", "Analyst"),
        ("batching", "batch", "BatchOperator"),
        ("training", "training", "Trainer"),
    ],
)
def test_whoever_runs_commands_may_look_every_stack_up(project, stack, policy, request):
    """The commands ask for the outputs of all of them, and a stack that may not be described ends a command."""
    statements = policies(getattr(request.getfixturevalue(project), stack))[policy]
    (described,) = rights(statements)["cloudformation:DescribeStacks"]
    asked = [f"{described.partition(':stack/')[0]}:stack/{name}/id" for name in stack_names("tiny")]
    assert not [arn for arn in asked if not fnmatchcase(arn, described)]
    assert not fnmatchcase(asked[0].replace("stack/tiny-", "stack/other-"), described)


def test_a_trainer_starts_sees_and_approves_runs_and_nothing_else(training):
    statements = policies(training.training)["Trainer"]
    found = rights(statements)
    assert found.pop("cloudformation:DescribeStacks")
    (machine,) = found["states:StartExecution"]
    assert machine.startswith("<Retrain")
    groups = {id_ for id_, each in training.training["Resources"].items() if each["Type"] == "AWS::Logs::LogGroup"}
    of_account = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>"
    (control,) = found["dynamodb:Query"]
    assert control.startswith("<tiny-state:ExportsOutputFnGetAttControl")
    assert found == {
        **{f"states:{action}": {machine} for action in ("StartExecution", "SendTaskSuccess")},
        "states:DescribeExecution": {f"{of_account}:execution:tiny-retrain:*"},
        "logs:FilterLogEvents": {f"<'{group}', 'Arn'>" for group in groups},
        **{f"dynamodb:{action}": {control} for action in ("BatchGetItem", "Query")},
    }
    (reading,) = [each for each in statements if "dynamodb:Query" in each["Action"]]
    runs = ["training#tiny-other", "training#tiny-tabular"]
    assert reading["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": runs}}


def test_a_batch_operator_runs_jobs_stores_inputs_and_reads_outputs_and_nothing_else(batching):
    found = rights(policies(batching.batch)["BatchOperator"])
    assert found.pop("cloudformation:DescribeStacks")
    (machine,), (bucket,) = found["states:StartExecution"], found["s3:ListBucket"]
    assert (machine.startswith("<BatchMachine"), bucket.startswith("<'JobsBucket")) == (True, True)
    of_account = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>"
    on_runs = {f"{of_account}:execution:tiny-batch:*", f"{of_account}:mapRun:tiny-batch/*"}
    of_runs = ("DescribeExecution", "DescribeMapRun", "ListMapRuns", "StopExecution")
    assert found == {
        **{f"states:{action}": {machine} for action in ("StartExecution", "ListExecutions")},
        **{f"states:{action}": on_runs for action in of_runs},
        "s3:ListBucket": {bucket},
        "s3:GetObject": {f"{bucket}/inputs/*", f"{bucket}/jobs/*"},
        "s3:PutObject": {f"{bucket}/inputs/*"},
    }


def test_the_operator_of_light_models_changes_no_service(templates):
    actions = set(rights(policies(templates.releases)["Operator"]))
    assert not {action for action in actions if action.startswith(("ecs:", "elasticloadbalancing:"))}
    assert "ssm:GetParameters" not in actions


def test_a_policy_fits_the_6144_characters_that_aws_counts(heavy, templates, batching, training):
    for template in (heavy.releases, templates.serving, templates.state, batching.batch, training.training):
        for statements in policies(template).values():
            written = [
                {**each, "Resource": [filled(text(arn)) for arn in listed(each["Resource"])]} for each in statements
            ]
            assert len(json.dumps({"Version": "2012-10-17", "Statement": written}, separators=(",", ":"))) < 6144


def filled(arn):
    """An ARN with the partition, region and account of an account in place of their names."""
    names = {"<AWS::Partition>": "aws", "<AWS::Region>": "ap-southeast-2", "<AWS::AccountId>": "123456789012"}
    for name, value in names.items():
        arn = arn.replace(name, value)
    return arn
