"""Access for GitHub Actions: an identity provider, a role for each kind of job, and the boundary of what deploys make.

A person deploys this stack with rights of their own, since it decides what the pipeline may do:
``npx cdk deploy -c slipway:access=OWNER/REPOSITORY -c slipway:environment=NAME {project}-access``.
"""

import re
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge, acknowledge_wildcards
from slipway.errors import ConfigError, FieldProblem

ISSUER = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*)/[A-Za-z0-9._-]+")
_BRANCH = "main"
# The roles of `cdk bootstrap`, by the part of their names.
_LOOKUP, _DEPLOYING = "lookup", ("deploy", "file-publishing", "image-publishing", "lookup")
_HOUR = cdk.Duration.hours(1)
# CloudFormation cuts the stack's name in the names that it generates for roles, and keeps at least so much of it.
_PREFIX = 20

# What changes a role's rights: a deploy may do it to roles with the boundary alone.
_RIGHTS_OF_ROLES = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
# What nobody may do with rights that a deploy made, whatever its templates say.
_NEVER = (
    "account:*",
    "aws-marketplace:Subscribe",
    "iam:*AccessKey*",
    "iam:*LoginProfile",
    "iam:*MFADevice",
    "iam:*OpenIDConnectProvider*",
    "iam:*SAMLProvider",
    "iam:*User*",
    "organizations:*",
    "sso:*",
)


class AccessStack(cdk.Stack):
    """The roles of a repository's workflows in one environment; `repository` is ``owner/name``.

    Args:
        project: the project's name, with which the roles begin.
        environment: the environment of slipway.yaml, which is also that of GitHub.
        provider: whether the stack makes GitHub's identity provider, of which an account has one.
        policies: the project's managed policies, by name: Caller, Operator and Analyst.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        project: str,
        repository: str,
        environment: str,
        provider: bool,
        policies: dict[str, iam.IManagedPolicy],
        description: str,
    ) -> None:
        # The rights of the person who deploys, and not those of the CDK's roles: the pipeline has these.
        super().__init__(scope, id_, description=description, synthesizer=cdk.CliCredentialsStackSynthesizer())
        self._project, self._repository = project, repository
        self._provider = self._identity_provider(create=provider)
        ours = f"environment:{environment}"
        diff = self._role("Diff", ["pull_request", f"ref:refs/heads/{_BRANCH}"], "compare what is deployed")
        self._may_assume(diff, _LOOKUP)
        deploy = self._role("Deploy", [ours], "deploy, and test what was deployed")
        self._may_assume(deploy, *_DEPLOYING)
        self._may_find_outputs(deploy)
        release = self._role("Release", [ours], "register and release versions of models")
        report = self._role("Report", [f"ref:refs/heads/{_BRANCH}"], "report what monitoring has found")
        for role, policy in ((deploy, "Caller"), (release, "Operator"), (report, "Analyst")):
            if policy in policies:
                role.add_managed_policy(policies[policy])
        self._boundary()

    def _identity_provider(self, *, create: bool) -> str:
        """The ARN of GitHub's provider. AWS checks its certificate itself, so the thumbprint has no use."""
        if create:
            made = iam.CfnOIDCProvider(self, "GitHub", url=f"https://{ISSUER}", client_id_list=[_AUDIENCE])
            return made.attr_arn
        return self.format_arn(service="iam", region="", resource="oidc-provider", resource_name=ISSUER)

    def _role(self, name: str, subjects: Sequence[str], does: str) -> iam.Role:
        """A role that only these subjects of this repository may assume, for an hour."""
        whole = [f"repo:{self._repository}:{subject}" for subject in subjects]
        role = iam.Role(
            self,
            name,
            assumed_by=iam.WebIdentityPrincipal(
                self._provider, {"StringEquals": {f"{ISSUER}:aud": _AUDIENCE, f"{ISSUER}:sub": whole}}
            ),
            path=f"/{self.stack_name}/",  # by which the boundary knows them, however long the project's name is
            description=f"Slipway, {self._project}: workflows of {self._repository} may {does}",
            max_session_duration=_HOUR,
        )
        cdk.CfnOutput(self, f"{name}Role", value=role.role_arn)
        return role

    def _may_assume(self, role: iam.Role, *kinds: str) -> None:
        """Let a role assume the CDK's own roles of these kinds, in this account and region."""
        qualifier = self.node.try_get_context("@aws-cdk/core:bootstrapQualifier") or "hnb659fds"
        names = [f"cdk-{qualifier}-{kind}-role-{self.account}-{self.region}" for kind in kinds]
        arns = [self.format_arn(service="iam", region="", resource="role", resource_name=name) for name in names]
        role.add_to_policy(iam.PolicyStatement(actions=["sts:AssumeRole"], resources=arns))

    def _may_find_outputs(self, role: iam.Role) -> None:
        arn = self.format_arn(service="cloudformation", resource="stack", resource_name=f"{self._project}-*/*")
        role.add_to_policy(iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[arn]))
        acknowledge_wildcards(role, [arn], "The stacks of this project.")

    def _boundary(self) -> None:
        """The permissions boundary of every role that a deploy makes; `cdk bootstrap` gets it for its own, too."""
        name = boundary_name(self._project)
        arn = self.format_arn(service="iam", region="", resource="policy", resource_name=name)
        deny = iam.Effect.DENY
        without = {"StringNotEquals": {"iam:PermissionsBoundary": arn}}
        changing = ["CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion"]
        prefix = f"{self._project}-"[:_PREFIX]
        access, *ours = (
            self.format_arn(service="iam", region="", resource="role", resource_name=name)
            for name in (f"{self.stack_name}/*", f"{prefix}*", f"ecsInstanceRole-{prefix}*")
        )
        policy = iam.ManagedPolicy(
            self,
            "Boundary",
            managed_policy_name=name,
            description=f"Slipway, {self._project}: the most that roles made by a deploy may do",
            statements=[
                iam.PolicyStatement(actions=["*"], resources=["*"]),
                iam.PolicyStatement(effect=deny, actions=list(_NEVER), resources=["*"]),
                iam.PolicyStatement(effect=deny, actions=list(_RIGHTS_OF_ROLES), resources=["*"], conditions=without),
                # No condition tells a role with the boundary here; CloudFormation's names begin with the stack's.
                iam.PolicyStatement(effect=deny, actions=["iam:UpdateAssumeRolePolicy"], not_resources=ours),
                iam.PolicyStatement(effect=deny, actions=["iam:DeleteRolePermissionsBoundary"], resources=["*"]),
                iam.PolicyStatement(effect=deny, actions=[f"iam:{each}" for each in changing], resources=[arn]),
                iam.PolicyStatement(effect=deny, actions=["iam:*"], resources=[access]),
            ],
        )
        reason = "A boundary grants nothing: it is the most that other policies can grant, less what it denies."
        acknowledge(policy, {f"AwsSolutions-IAM5[{kind}::*]": reason for kind in ("Action", "Resource")})
        wild = [each for each in (*_NEVER, "iam:*") if "*" in each]
        acknowledge(policy, {f"AwsSolutions-IAM5[Action::{each}]": reason for each in wild})
        acknowledge_wildcards(policy, [access], reason)
        cdk.CfnOutput(self, "BoundaryPolicy", value=policy.managed_policy_arn)


def boundary_name(project: str) -> str:
    """The name of the managed policy that is the boundary of all roles of a project."""
    return f"{project}-boundary"


def repository_of(value: object) -> str | None:
    """The context ``slipway:access``; raises ConfigError if it is not ``owner/name``."""
    if value is None:
        return None
    if not isinstance(value, str) or not _REPOSITORY.fullmatch(value):
        raise ConfigError(
            "the CDK context", [FieldProblem("slipway:access", f"{value!r} must be OWNER/REPOSITORY of GitHub")]
        )
    return value
