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
    stacks = {arn.rsplit(":", 1)[1] for arn in rights(statements)["cloudformation:DescribeStacks"]}
    assert stacks == {f"stack/tiny-{name}/*" for name in ("state", "serving", "heavy", "shadow", "releases", "batch")}
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
    stacks = {arn.rsplit(":stack/", 1)[1] for arn in found["cloudformation:DescribeStacks"]}
    assert stacks == {f"tiny-{name}/*" for name in ("state", "serving", "heavy", "shadow", "releases", "batch")}
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


def test_the_operator_of_light_models_changes_no_service(templates):
    actions = set(rights(policies(templates.releases)["Operator"]))
    assert not {action for action in actions if action.startswith(("ecs:", "elasticloadbalancing:"))}
    assert "ssm:GetParameters" not in actions


def test_a_policy_fits_the_6144_characters_that_aws_counts(heavy, templates):
    for template in (heavy.releases, templates.serving):
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
