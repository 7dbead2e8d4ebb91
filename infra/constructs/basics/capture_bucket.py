"""The bucket that holds captures: what was sent to models, and so perhaps personal data."""

import aws_cdk as cdk
from constructs import Construct

from infra.constructs.basics.private_bucket import private_bucket


class CaptureBucket(Construct):
    """All in it is deleted after ``kept_days``, and no version of it stays."""

    def __init__(self, scope: Construct, id_: str, *, kept_days: int) -> None:
        super().__init__(scope, id_)
        expiry = {"expiration": cdk.Duration.days(kept_days)}
        self.bucket = private_bucket(self, rule="retention", expiry=expiry, holds="Who reads captures")
        # Exported even while nothing captures: an export that goes while another stack still uses it stops a deploy.
        for value in (self.bucket.bucket_name, self.bucket.bucket_arn):
            cdk.Stack.of(self).export_value(value)
