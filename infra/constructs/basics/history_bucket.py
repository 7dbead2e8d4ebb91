"""The bucket of feature histories, which hold every write of a recorded group and so perhaps personal data."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from infra.constructs.basics.private_bucket import private_bucket
from slipway.features.history.files import group_folder

FAILURES = "aws/lambda"
"""The prefix under which Lambda stores the records that a function could not take."""

_FAILURES_KEPT = 30  # days


class HistoryBucket(Construct):
    """A bucket without versioning that deletes each group's files after its own number of days."""

    def __init__(self, scope: Construct, id_: str, *, kept_days: Mapping[str, int]) -> None:
        super().__init__(scope, id_)
        rules = {"failures": _expiring(f"{FAILURES}/", _FAILURES_KEPT)}
        rules |= {group: _expiring(group_folder(group), days) for group, days in sorted(kept_days.items())}
        self.bucket = private_bucket(self, rules=rules, holds="Who reads histories")
        # Always exported: removing an export that another stack still uses would fail a deploy.
        for value in (self.bucket.bucket_name, self.bucket.bucket_arn):
            cdk.Stack.of(self).export_value(value)


def _expiring(prefix: str, days: int) -> dict[str, Any]:
    return {"prefix": prefix, "expiration": cdk.Duration.days(days)}
