"""The bucket of captures, which hold requests to models and so perhaps personal data."""

import aws_cdk as cdk
from constructs import Construct

from infra.constructs.basics.private_bucket import private_bucket


class CaptureBucket(Construct):
    """A bucket without versioning that deletes every object after ``kept_days``."""

    def __init__(self, scope: Construct, id_: str, *, kept_days: int) -> None:
        super().__init__(scope, id_)
        expiry = {"expiration": cdk.Duration.days(kept_days)}
        self.bucket = private_bucket(self, rule="retention", expiry=expiry, holds="Who reads captures")
        # Always exported: removing an export that another stack still uses would fail a deploy.
        for value in (self.bucket.bucket_name, self.bucket.bucket_arn):
            cdk.Stack.of(self).export_value(value)
