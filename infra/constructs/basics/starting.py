"""The rights with which ECS starts a task: its log, and the image that it pulls."""

from collections.abc import Sequence

from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from infra.constructs.basics.acknowledge import acknowledge

_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def allow_start(role: iam.Role, *, group: logs.ILogGroup, repository: ecr.IRepository | None) -> None:
    """Let ECS start tasks with ``role``, an execution role; ``repository`` is None if nothing is pulled."""

    def allow(actions: Sequence[str], resource: str) -> None:
        role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[resource]))

    allow(_LOG, group.log_group_arn)
    if repository is not None:
        allow(_PULL, repository.repository_arn)
        allow(["ecr:GetAuthorizationToken"], "*")
        reason = "ECR issues a token for the account; another statement limits what it may pull."
        acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": reason})
