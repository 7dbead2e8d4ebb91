"""The defaults of every bucket: encrypted, private, TLS only, and kept when its stack is deleted."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge


def private_bucket(
    scope: Construct, *, rules: Mapping[str, Mapping[str, Any]], holds: str, versioned: bool = False
) -> s3.Bucket:
    """A bucket with lifecycle ``rules`` by id; ``holds`` says who or what an access log would record."""
    bucket = s3.Bucket(
        scope,
        "Bucket",
        versioned=versioned or None,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        removal_policy=cdk.RemovalPolicy.RETAIN,
        lifecycle_rules=[
            s3.LifecycleRule(id=rule, abort_incomplete_multipart_upload_after=cdk.Duration.days(1), **expiry)
            for rule, expiry in rules.items()
        ],
    )
    reason = (
        f"Access logs would need a second bucket that itself is not logged. {holds} is on record where the account has "
        "CloudTrail data events on, which cost nothing until used."
    )
    acknowledge(bucket, {"AwsSolutions-S1": reason})
    return bucket
