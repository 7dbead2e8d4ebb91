"""What the state machine is started with, and what its steps pass on. An execution's name tells of which job it is."""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from slipway.batch.account.places import Place
from slipway.batch.extras import AskedExtras
from slipway.batch.parts import OutputFormat
from slipway.config.batch import DATE

RUNS, JOBS, INPUTS = "runs", "jobs", "inputs"
"""The folders of the bucket of batch jobs: what runs need, their outputs, and inputs from somebody's machine."""

_NAME_CHARACTERS = 80  # of an execution
_AGAIN = re.compile(r"(?P<job>.+)_(?P<number>\d+)")


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Run(Document):
    """A job as it was asked for: the input of an execution. Running it again goes on with what is in its output.

    ``source`` and ``output`` are addresses in S3, in which ``{date}`` stands for the day of the start. ``version`` is
    None for the one that serves when the job begins. ``job`` is None in an execution that a schedule has started.
    """

    model: str
    source: str
    output: str | None = None
    job: str | None = None
    version: int | None = None
    format: OutputFormat = OutputFormat.PARQUET
    batch_size: int | None = None
    most_rejected: Annotated[float, Field(ge=0, le=1)] = 0.01
    extras: AskedExtras = AskedExtras()

    def begun(self, *, execution: str, started: datetime, bucket: str) -> "Run":
        """This run with its job, its output and its day; ``bucket`` is the bucket of batch jobs."""
        job, day = self.job or job_of(execution), f"{started:%Y-%m-%d}"
        output = self.output or str(Place(bucket, f"{JOBS}/{job}/"))
        places = {"source": self.source.replace(DATE, day), "output": output.replace(DATE, day)}
        return self.model_copy(update={"job": job, **places})


class Planned(Document):
    """What the step `plan` returns: the run as it is scored, and how much is to be done.

    ``items`` is the key of the shards that are missing, in the bucket of batch jobs, one a line. If more than
    ``tolerated`` of them fail, no more are begun. ``scorer`` says what scores: `light`, or the name of a heavy model.
    """

    run: Run
    scorer: str
    items: str
    shards: int
    rows: int
    missing: int
    tolerated: int


class PlanRequest(Document):
    """The event of the step `plan`, with the name and start of the execution."""

    step: Literal["plan"]
    run: Run
    execution: str
    started: datetime


class ScoreRequest(Document):
    """The event of the step `score`, with a line of the manifest."""

    step: Literal["score"]
    run: Run
    shard: Mapping[str, object]


class FinishRequest(Document):
    """The event of the step `finish`."""

    step: Literal["finish"]
    run: Run


def new_job(model: str, now: datetime) -> str:
    """The name of a new job: the model, the time, and six digits that no other job has."""
    end = f"{now:-%Y%m%d-%H%M%S-}{secrets.token_hex(3)}"
    return model[: _NAME_CHARACTERS - len(end) - len("_9999")] + end


def job_of(execution: str) -> str:
    """The job that an execution is of, by its name."""
    found = _AGAIN.fullmatch(execution)
    return found["job"] if found else execution


def number_of(execution: str) -> int:
    """Which run of its job an execution is, from 1."""
    found = _AGAIN.fullmatch(execution)
    return int(found["number"]) if found else 1


def execution_name(job: str, number: int) -> str:
    """The name of the execution that is a job's run with this number."""
    return job if number == 1 else f"{job}_{number}"
