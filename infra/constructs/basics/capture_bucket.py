"""The bucket of captures, which hold requests to models and so perhaps personal data."""

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import Construct

from infra.constructs.basics.private_bucket import private_bucket


class CaptureBucket(Construct):
    """A bucket without versioning that deletes the objects of each folder after its number of days."""

    def __init__(self, scope: Construct, id_: str, *, kept_days: Mapping[str, int]) -> None:
        super().__init__(scope, id_)
        self.bucket = private_bucket(self, rule="uploads", expiry={}, holds="Who reads captures")
        for folder, days in kept_days.items():
            expiration = cdk.Duration.days(days)
            self.bucket.add_lifecycle_rule(id=folder, prefix=f"{folder}/", expiration=expiration)
        # Always exported: removing an export that another stack still uses would fail a deploy.
        for value in (self.bucket.bucket_name, self.bucket.bucket_arn):
            cdk.Stack.of(self).export_value(value)
