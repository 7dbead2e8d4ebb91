"""The bucket of batch jobs, whose inputs and outputs are perhaps personal data."""

import aws_cdk as cdk
from constructs import Construct

from infra.constructs.basics.private_bucket import private_bucket
from slipway.batch.account.runs import INPUTS, JOBS, RUNS


class BatchBucket(Construct):
    """A bucket without versioning that deletes inputs, outputs and what runs needed after some days."""

    def __init__(self, scope: Construct, id_: str, *, retention_days: int) -> None:
        super().__init__(scope, id_)
        expiration = cdk.Duration.days(retention_days)
        rules = {folder: {"prefix": f"{folder}/", "expiration": expiration} for folder in (INPUTS, JOBS, RUNS)}
        self.bucket = private_bucket(self, rules=rules, holds="Who reads batch jobs")
