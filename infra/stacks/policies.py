"""Managed policies of the project to attach to users and roles: for callers, feature writers and operators."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge_wildcards
from infra.constructs.light.route_groups import Route, group_of
from infra.stacks.routes import ROUTES

CALLER = ("models", "predict", "feedback")
"""The groups of routes of an end user's program: it predicts, reads what is deployed, and sends feedback."""

FEATURE_WRITER = ("features_read", "features_write")
"""The groups of routes of a program that keeps the feature store."""

OPERATOR = ("models", "predict")
"""The groups of routes of `slipway status` and of the test of a version before it gets traffic."""

PARAMETERS = "The parameters of a route: any model, version or entity of this API."


def managed_policy(
    scope: Construct, id_: str, *, description: str, statements: Sequence[iam.PolicyStatement]
) -> iam.ManagedPolicy:
    """A policy that nothing has attached, with its ARN in the output ``{id_}Policy``."""
    policy = iam.ManagedPolicy(scope, id_, description=description, statements=statements)
    cdk.CfnOutput(scope, f"{id_}Policy", value=policy.managed_policy_arn)
    # Always exported: a deploy without the stack of the pipeline's roles must not take an export that it uses.
    cdk.Stack.of(scope).export_value(policy.managed_policy_arn)
    return policy


def stacks_arn(stack: cdk.Stack, project: str) -> str:
    """The ARN of all stacks of a project. Every command looks all of them up, whether they are deployed or not."""
    return stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{project}-*/*")


def calling_policy(scope: Construct, id_: str, *, api_id: str, groups: Sequence[str], description: str) -> None:
    """A policy that allows calling the routes of ``groups``, and nothing else."""
    arns = route_arns(cdk.Stack.of(scope), api_id, groups)
    policy = managed_policy(scope, id_, description=description, statements=[may_call(arns)])
    acknowledge_wildcards(policy, arns, PARAMETERS)


def may_call(arns: Sequence[str]) -> iam.PolicyStatement:
    """Allow calling the routes of these ARNs."""
    return iam.PolicyStatement(actions=["execute-api:Invoke"], resources=arns)


def route_arns(stack: cdk.Stack, api_id: str, groups: Sequence[str]) -> list[str]:
    """The ARNs of the routes of ``groups``."""
    return [
        route_arn(stack, api_id, route[0], _pattern(route))
        for routes in ROUTES.values()
        for route in routes
        if group_of(route) in groups
    ]


def route_arn(stack: cdk.Stack, api_id: str, method: str, path: str) -> str:
    """The ARN of a route, whose path may have wildcards.

    The stage is named, because a `*` in its place also matches slashes, so that the right to `GET /v1/models` would
    allow `PUT /v1/features/user/GET/v1/models`.
    """
    return stack.format_arn(service="execute-api", resource=f"{api_id}/$default/{method}{path}")


def _pattern(route: Route) -> str:
    parts = route[1].split("/")
    return "/".join("*" if part.startswith("{") else part for part in parts)
