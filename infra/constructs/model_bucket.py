"""The bucket that holds model packages."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledge import acknowledge

NONCURRENT_DAYS = 90


class ModelBucket(Construct):
    """Versioned, encrypted, private, over TLS only; an overwritten or deleted object can be had back for 90 days."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="old-versions",
                    noncurrent_version_expiration=cdk.Duration.days(NONCURRENT_DAYS),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                    expired_object_delete_marker=True,
                )
            ],
        )
        reason = (
            "Access logs would need a second bucket that itself is not logged. Packages hold no personal data; who "
            "reads them is on record where the account has CloudTrail data events on, which cost nothing until used."
        )
        acknowledge(self.bucket, {"AwsSolutions-S1": reason})
