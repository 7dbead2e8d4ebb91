"""The part of slipway.yaml on monitoring: retention, alarm thresholds, and who is notified."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from slipway.config.accuracy import AccuracyConfig
from slipway.config.drift import DriftConfig
from slipway.config.validation import Section

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]


class AlarmsConfig(Section):
    """The thresholds of the alarms and where they are sent."""

    email: Email | None = None
    # CloudWatch cannot publish to a topic encrypted with aws/sns, and a customer key costs money at zero traffic.
    key_arn: Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+$")] | None = (
        None
    )
    error_percent: Annotated[float, Field(gt=0, le=100)] = 1.0
    p99_milliseconds: Annotated[float, Field(gt=0)] = 500.0
    throttles_per_minute: Annotated[int, Field(ge=1)] = 10
    # Whether what monitoring and golden records find has alarms of its own, beside the messages of the monitor.
    findings: bool = True


class ReleaseNoticesConfig(Section):
    """Who is notified of each step of a release."""

    email: Email | None = None


class MonitoringConfig(Section):
    """What is logged, traced and kept, and who is told."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    tracing: bool = False  # AWS X-Ray charges for each trace
    # The retention periods that CloudWatch Logs offers, up to a year.
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365] = 30
    # Rewards are counted by prediction time in windows of this many minutes; a bandit learns no faster.
    reward_minutes: Literal[1, 2, 5, 10] = 10
    capture_retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    # None is as long as captures; a longer time keeps a sample of what they were.
    reservoir_retention_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    # The monitor runs this often, and counts captures in periods of this length; 1 is for a laptop.
    minutes: Literal[1, 5, 10, 15, 20, 30, 60] = 60
    # With `minutes: 1`, the monitor cuts its minute into periods of so many seconds: for months that pass in minutes.
    seconds: Literal[5, 10, 15, 20, 30] | None = None
    # How long after its end a period, or a minute of a release, is read. None waits as an account needs it.
    settle_seconds: Annotated[int, Field(ge=1, le=300)] | None = None
    # Captures that come later than this after their hour are not counted.
    late_hours: Annotated[int, Field(ge=1, le=72)] = 24
    profile_retention_days: Annotated[int, Field(ge=1, le=3650)] = 400
    alarms: AlarmsConfig = AlarmsConfig()
    releases: ReleaseNoticesConfig = ReleaseNoticesConfig()
    drift: DriftConfig = DriftConfig()
    accuracy: AccuracyConfig = AccuracyConfig()

    @model_validator(mode="after")
    def _seconds_are_of_a_minute(self) -> Self:
        if self.seconds is not None and self.minutes != 1:
            raise ValueError(f"`seconds: {self.seconds}` divides a minute, so it needs `minutes: 1`")
        return self

    @property
    def period_minutes(self) -> float:
        """The length of a period."""
        return self.minutes if self.seconds is None else self.seconds / 60

    @property
    def settle(self) -> timedelta | None:
        """How long captures and metrics are waited for, if that is configured."""
        return None if self.settle_seconds is None else timedelta(seconds=self.settle_seconds)

    @property
    def reservoir_days(self) -> int:
        """How long reservoirs are kept."""
        return self.reservoir_retention_days or self.capture_retention_days
