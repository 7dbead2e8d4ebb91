"""The stack of the roles of a repository's workflows, for an app that is delivered by them."""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.context import switch
from infra.stacks.delivery import AccessStack, boundary_name, repository_of
from slipway.errors import ConfigError, FieldProblem

_POLICIES = ("Caller", "Operator", "Analyst")


@dataclass(frozen=True)
class Delivery:
    """How the app is delivered: the context ``slipway:access``, ``slipway:provider`` and ``slipway:boundary``."""

    repository: object = None
    provider: str | bool | None = None
    boundary: str | bool | None = None


def access_stack(
    app: cdk.App, project: str, environment: str | None, delivery: Delivery, stacks: Sequence[cdk.Stack]
) -> AccessStack | None:
    """The stack of a repository's roles, if it is asked for, and the boundary of all others."""
    if switch("slipway:boundary", value=delivery.boundary):
        for stack in app.node.children:
            boundary = iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", boundary_name(project))
            iam.PermissionsBoundary.of(stack).apply(boundary)
    repository = repository_of(delivery.repository)
    if repository is None:
        return None
    if environment is None:
        problem = FieldProblem("slipway:environment", "name the environment that the workflows of GitHub deploy")
        raise ConfigError("the CDK context", [problem])
    every = ((each, name) for each in stacks for name in _POLICIES)
    policies = {name: policy for each, name in every if (policy := each.node.try_find_child(name)) is not None}
    return AccessStack(
        app,
        f"{project}-access",
        project=project,
        repository=repository,
        environment=environment,
        provider=switch("slipway:provider", value=True if delivery.provider is None else delivery.provider),
        policies=policies,
        description=f"{project}: what the workflows of {repository} may do",
    )
