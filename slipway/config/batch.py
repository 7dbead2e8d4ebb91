"""The part of slipway.yaml on batch jobs in an account: how many workers, which buckets, and jobs by the clock."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from slipway.config.names import EntityName, Name, VersionNumber
from slipway.config.validation import Section

DATE = "{date}"
"""In the addresses of a schedule, the day on which the job begins, in UTC: 2026-11-27."""

Address = Annotated[str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s*?\\]*)?$")]
"""A bucket, an object or a prefix: `s3://bucket/some/folder/`."""

Cron = Annotated[str, StringConstraints(pattern=r"^\S+( \S+){5}$")]
"""The six fields of EventBridge: minutes, hours, day of month, month, day of week, year. In UTC."""


class BatchSchedule(Section):
    """A job that begins by the clock; ``version`` is by default the one that serves then.

    ``features`` to ``sample`` are as the options of `slipway batch run`; ``sample`` is by default the model's.
    """

    model: Name
    input: Address
    output: Address
    cron: Cron
    version: VersionNumber | None = None
    max_rejected: Annotated[float, Field(ge=0, le=1)] = 0.01
    features: Literal["none", "store", "history"] = "none"
    time_column: str | None = None
    precompute: EntityName | None = None
    ttl_hours: Annotated[int, Field(ge=1, le=87_600)] | None = None
    sample: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _output_is_new_each_time(self) -> Self:
        if DATE in self.input and DATE not in self.output:
            raise ValueError(f"`output` needs {DATE}, as `input` has it: the output of a job is its own")
        return self

    @model_validator(mode="after")
    def _extras_go_together(self) -> Self:
        if self.time_column is not None and self.features != "history":
            raise ValueError("`time_column` is for features as they were at a time: set `features: history`, too")
        if self.ttl_hours is not None and self.precompute is None:
            raise ValueError("`ttl_hours` is for precomputed answers: set `precompute`, too")
        return self


class BatchConfig(Section):
    """Batch scoring in the account. At most ``concurrency`` shards of a job are scored at once.

    ``spot`` runs the shards of heavy models on Fargate Spot. Jobs may read ``inputs`` and write to ``outputs``, beside
    the bucket of batch jobs, where inputs and outputs are deleted after ``retention_days``.
    """

    enabled: bool = True
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 10
    spot: bool = False
    inputs: tuple[Address, ...] = ()
    outputs: tuple[Address, ...] = ()
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    schedules: dict[Name, BatchSchedule] = Field(default={})

    @property
    def readable(self) -> tuple[str, ...]:
        """The addresses that jobs may read."""
        return _distinct([*self.inputs, *(each.input for each in self.schedules.values())])

    @property
    def writable(self) -> tuple[str, ...]:
        """The addresses that jobs may write to."""
        return _distinct([*self.outputs, *(each.output for each in self.schedules.values())])


def _distinct(addresses: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.partition(DATE)[0] for each in addresses))
