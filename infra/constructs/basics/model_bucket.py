"""The bucket of model packages."""

import aws_cdk as cdk
from constructs import Construct

from infra.constructs.basics.private_bucket import private_bucket

NONCURRENT_DAYS = 90


class ModelBucket(Construct):
    """A versioned bucket; overwritten or deleted objects can be restored for 90 days."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        expiry = {
            "noncurrent_version_expiration": cdk.Duration.days(NONCURRENT_DAYS),
            "expired_object_delete_marker": True,
        }
        holds = "Packages hold no personal data; who reads them"
        self.bucket = private_bucket(self, rules={"old-versions": expiry}, holds=holds, versioned=True)
