"""The bucket that holds captures: what was sent to models, and so perhaps personal data."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledge import acknowledge


class CaptureBucket(Construct):
    """Encrypted, private, over TLS only; all in it is deleted after ``kept_days``, and no version of it stays."""

    def __init__(self, scope: Construct, id_: str, *, kept_days: int) -> None:
        super().__init__(scope, id_)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="retention",
                    expiration=cdk.Duration.days(kept_days),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
        )
        reason = (
            "Access logs would need a second bucket that itself is not logged. Who reads captures is on record where "
            "the account has CloudTrail data events on, which cost nothing until used."
        )
        acknowledge(self.bucket, {"AwsSolutions-S1": reason})
        # Exported even while nothing captures: an export that goes while another stack still uses it stops a deploy.
        for value in (self.bucket.bucket_name, self.bucket.bucket_arn):
            cdk.Stack.of(self).export_value(value)
