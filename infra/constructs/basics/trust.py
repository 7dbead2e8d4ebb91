"""Who may assume a role: an AWS service, on behalf of this account only."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct


def service_of_account(scope: Construct, service: str) -> iam.ServicePrincipal:
    """The principal of an AWS service that acts for a resource of ``scope``'s account, not for another's."""
    return iam.ServicePrincipal(
        service, conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}}
    )
