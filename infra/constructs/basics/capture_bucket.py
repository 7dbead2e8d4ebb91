"""The bucket of captures, which hold requests to models and so perhaps personal data, and of what is made of them."""

import aws_cdk as cdk
from constructs import Construct

from infra.constructs.basics.private_bucket import private_bucket
from slipway.config.monitoring import MonitoringConfig
from slipway.monitoring.captures.parsing import FOLDER
from slipway.monitoring.profiles.ledger import LEDGERS
from slipway.monitoring.profiles.store import PROFILES
from slipway.monitoring.state import MONITORING

GIVEN_UP = "aws/lambda/async"
"""The prefix under which Lambda stores events that a function failed on after all retries."""


class CaptureBucket(Construct):
    """A bucket without versioning that deletes captures after one time, and profiles of them after another."""

    def __init__(self, scope: Construct, id_: str, *, monitoring: MonitoringConfig) -> None:
        super().__init__(scope, id_)
        kept_days = {
            FOLDER: monitoring.capture_retention_days,
            GIVEN_UP: monitoring.capture_retention_days,
            PROFILES: monitoring.profile_retention_days,
            MONITORING: monitoring.profile_retention_days,
            LEDGERS: monitoring.capture_retention_days,
        }
        rules = {
            folder.replace("/", "-"): {"prefix": f"{folder}/", "expiration": cdk.Duration.days(days)}
            for folder, days in kept_days.items()
        }
        self.bucket = private_bucket(self, rules=rules, holds="Who reads captures")
        # Always exported: removing an export that another stack still uses would fail a deploy.
        for value in (self.bucket.bucket_name, self.bucket.bucket_arn):
            cdk.Stack.of(self).export_value(value)
