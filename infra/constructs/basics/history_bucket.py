"""The bucket of feature histories, which hold every write of a recorded group and so perhaps personal data."""

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import Construct

from infra.constructs.basics.private_bucket import private_bucket
from slipway.features.history.files import group_folder

FAILURES = "aws/lambda"
"""The prefix under which Lambda stores the records that a function could not take."""

_FAILURES_KEPT = cdk.Duration.days(30)


class HistoryBucket(Construct):
    """A bucket without versioning that deletes each group's files after its own number of days."""

    def __init__(self, scope: Construct, id_: str, *, kept_days: Mapping[str, int]) -> None:
        super().__init__(scope, id_)
        rules = {"failures": {"prefix": f"{FAILURES}/", "expiration": _FAILURES_KEPT}}
        for group, days in sorted(kept_days.items()):
            rules[group] = {"prefix": group_folder(group), "expiration": cdk.Duration.days(days)}
        self.bucket = private_bucket(self, rules=rules, holds="Who reads histories")
        # Always exported: removing an export that another stack still uses would fail a deploy.
        for value in (self.bucket.bucket_name, self.bucket.bucket_arn):
            cdk.Stack.of(self).export_value(value)
