"""The roles of a repository's workflows: which token may assume each, and what it may do then."""

import json

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from support.templates import lint

from infra.delivery import Delivery
from infra.stacks.delivery import AccessStack
from slipway.errors import ConfigError

REPOSITORY = "octo/models"
ISSUER = "token.actions.githubusercontent.com"
PROD = "environments: { prod: {} }"
CAPTURED = "  tiny-tabular: { versions: [1], stable: 1, capture: { sample: 0.1 } }"


@pytest.fixture(scope="module")
def delivered(synthesize):
    delivery = Delivery(repository=REPOSITORY, boundary="true")
    return synthesize(delivery=delivery, environment="prod", rest=PROD, models=CAPTURED)


@pytest.fixture(scope="module")
def roles(delivered):
    return {
        name.removesuffix(name[-8:]): resource["Properties"]
        for name, resource in delivered.access["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
    }


@pytest.mark.parametrize(
    ("role", "subjects"),
    [
        ("Diff", ["pull_request", "ref:refs/heads/main"]),
        ("Deploy", ["environment:prod"]),
        ("Release", ["environment:prod"]),
        ("Report", ["ref:refs/heads/main"]),
    ],
)
def test_only_these_tokens_assume_a_role(roles, role, subjects):
    [statement] = roles[role]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    wanted = [f"repo:{REPOSITORY}:{subject}" for subject in subjects]
    # No pattern: with `StringLike`, a repository with a similar name could pass.
    assert statement["Condition"] == {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": wanted}}
    assert roles[role]["MaxSessionDuration"] == 3600


def assumed(template, role):
    return [
        json.dumps(statement["Resource"])
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and name.startswith(role)
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == "sts:AssumeRole"
    ]


def test_a_pull_request_may_only_look(delivered):
    [resource] = assumed(delivered.access, "Diff")
    assert resource.count("cdk-hnb659fds-") == resource.count("-lookup-role-") == 1


def test_a_deploy_has_the_roles_of_the_cdk_and_a_release_has_none(delivered):
    [resource] = assumed(delivered.access, "Deploy")
    for kind in ("deploy", "file-publishing", "image-publishing", "lookup"):
        assert f"cdk-hnb659fds-{kind}-role-" in resource
    assert "cfn-exec" not in resource
    assert assumed(delivered.access, "Release") == assumed(delivered.access, "Report") == []


@pytest.mark.parametrize(("role", "policy"), [("Deploy", "Caller"), ("Release", "Operator"), ("Report", "Analyst")])
def test_roles_have_the_policies_of_people(roles, role, policy):
    [attached] = roles[role]["ManagedPolicyArns"]
    assert f"Ref{policy}" in attached["Fn::ImportValue"]


def test_every_role_of_a_deploy_has_the_boundary(delivered):
    found = [
        resource["Properties"].get("PermissionsBoundary")
        for template in (delivered.state, delivered.serving, delivered.shadow, delivered.releases)
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
    ]
    assert found
    assert all(":policy/tiny-prod-boundary" in json.dumps(each) for each in found)


@pytest.fixture(scope="module")
def boundary(delivered):
    [boundary] = [
        each["Properties"]
        for each in delivered.access["Resources"].values()
        if each["Type"] == "AWS::IAM::ManagedPolicy"
    ]
    return boundary


@pytest.fixture(scope="module")
def denied(boundary):
    """The statements of the boundary that deny, by action."""
    return {
        action: statement
        for statement in boundary["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


RIGHTS_OF_ROLES = [
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
]


@pytest.mark.parametrize("action", RIGHTS_OF_ROLES)
def test_a_deploy_gives_no_rights_to_a_role_without_the_boundary(denied, action):
    compared = denied[action]["Condition"]["StringNotEquals"]["iam:PermissionsBoundary"]
    assert ":policy/tiny-prod-boundary" in json.dumps(compared)
    assert denied[action]["Resource"] == "*"


def test_a_deploy_changes_who_may_assume_a_role_of_its_project_alone(denied):
    statement = denied["iam:UpdateAssumeRolePolicy"]
    named = json.dumps(statement["NotResource"])
    assert ":role/tiny-prod-*" in named
    assert ":role/ecsInstanceRole-tiny-prod-*" in named
    assert "Resource" not in statement


def test_the_boundary_knows_the_roles_of_the_pipeline_by_their_path(roles):
    assert {each["Path"] for each in roles.values()} == {"/tiny-prod-access/"}


def test_a_long_name_of_a_project_is_compared_as_far_as_generated_names_have_it():
    stack = AccessStack(
        cdk.App(),
        "Access",
        project="recommendations-of-articles",
        repository="someone/shop",
        environment="prod",
        provider=False,
        policies={},
        description="of a long name",
    )
    statements = json.dumps(Template.from_stack(stack).to_json())
    assert ":role/recommendations-of-a*" in statements


def test_the_boundary_keeps_itself_and_the_roles_of_the_pipeline(boundary, denied):
    assert boundary["ManagedPolicyName"] == "tiny-prod-boundary"
    assert ":policy/tiny-prod-boundary" in json.dumps(denied["iam:CreatePolicyVersion"]["Resource"])
    assert ":role/tiny-prod-access/*" in json.dumps(denied["iam:*"]["Resource"])
    assert {"iam:*AccessKey*", "iam:*User*", "organizations:*"} <= denied.keys()


def test_a_person_deploys_it_with_rights_of_their_own(delivered):
    manifest = json.loads((delivered.folder / "manifest.json").read_text(encoding="utf-8"))
    properties = manifest["artifacts"]["tiny-prod-access"]["properties"]
    assert "assumeRoleArn" not in properties
    assert "cloudFormationExecutionRoleArn" not in properties


def test_the_provider_may_be_there_already(synthesize):
    delivery = Delivery(repository=REPOSITORY, provider="false")
    template = synthesize(delivery=delivery, environment="prod", rest=PROD).access
    assert "AWS::IAM::OIDCProvider" not in {each["Type"] for each in template["Resources"].values()}
    assert f":oidc-provider/{ISSUER}" in json.dumps(template)


@pytest.mark.parametrize("wrong", ["models", "octo/models/x", "octo/*", "octo/models:ref", 7])
def test_a_repository_is_an_owner_and_a_name(synthesize, wrong):
    with pytest.raises(ConfigError, match=r"slipway:access: .* must be OWNER/REPOSITORY"):
        synthesize(delivery=Delivery(repository=wrong), environment="prod", rest=PROD)


def test_the_environment_must_be_named(synthesize):
    with pytest.raises(ConfigError, match="slipway:environment"):
        synthesize(delivery=Delivery(repository=REPOSITORY))


def test_nobody_has_it_who_did_not_ask(templates):
    assert templates.access is None


def test_cfn_lint_has_nothing_to_say(delivered):
    assert lint(delivered.access) == []
