"""A DynamoDB table with the defaults that all tables share."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

EXPIRY = "expires_at"
"""The attribute with an item's expiry, in seconds since 1970."""


def table(scope: Construct, id_: str, *, sort_key: bool, expires: bool, streams: bool = False) -> dynamodb.Table:
    """A table with the key `pk`, or `pk` and `sk`, that neither a deploy nor `cdk destroy` deletes.

    ``streams`` gives it a stream of its new images, which costs nothing while nothing reads it.
    """
    return dynamodb.Table(
        scope,
        id_,
        partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
        sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING) if sort_key else None,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        # AWS's own key costs nothing and adds no KMS call to a request: docs/adr/.
        encryption=dynamodb.TableEncryption.DEFAULT,
        time_to_live_attribute=EXPIRY if expires else None,
        stream=dynamodb.StreamViewType.NEW_IMAGE if streams else None,
        deletion_protection=True,
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )


def of_partitions(patterns: str | Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """The condition that every partition key of a call matches one of ``patterns``, such as ``feedback#*``."""
    keys = [patterns] if isinstance(patterns, str) else list(patterns)
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}}
