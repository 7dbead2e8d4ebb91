"""Batch jobs as `slipway batch` lists and describes them."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from slipway.console.workspace import Workspace

MACHINE = "BatchStateMachine"
"""The output of the stack of batch jobs; a project with `batch: { enabled: false }` has none."""

SHOWN = 50


class Execution(Protocol):
    """One run of a job, in the words of Step Functions."""

    arn: str
    name: str
    status: str
    started: datetime
    stopped: datetime | None


class Described(Protocol):
    """A run with what it was asked for."""

    @property
    def execution(self) -> Execution: ...


class Executions(Protocol):
    """The runs of the state machine."""

    def shards(self, arn: str) -> object: ...


class Jobs(Protocol):
    """The jobs of a deployment."""

    @property
    def executions(self) -> Executions: ...
    def recent(self, most: int) -> list[Execution]: ...
    def find(self, job: str) -> Described: ...


class Batch(Protocol):
    """Where jobs run, as the commands find it."""

    @property
    def jobs(self) -> Jobs: ...


@dataclass(frozen=True, slots=True)
class ListedJob:
    """One job: its last run, and how often it was run."""

    job: str
    status: str
    runs: int
    started: datetime
    stopped: datetime | None


def open_batch(workspace: Workspace) -> Batch | None:
    """The batch jobs of the deployment; None where there is no stack of them."""
    if MACHINE not in workspace.deployed().outputs:
        return None
    found: Batch = importlib.import_module("slipway.cli.batch.target").find_jobs(workspace.config_file)
    return found


def jobs_of(batch: Batch) -> list[ListedJob]:
    """The latest jobs, newest first; raises UnavailableError."""
    names = importlib.import_module("slipway.batch.account.runs")
    return [
        ListedJob(names.job_of(each.name), each.status.lower(), names.number_of(each.name), each.started, each.stopped)
        for each in batch.jobs.recent(SHOWN)
    ]


def job_of(batch: Batch, job: str) -> Mapping[str, Any]:
    """A job as `slipway batch status --json` prints it; raises NotFoundError and UnavailableError."""
    found = batch.jobs.find(job)
    shards = batch.jobs.executions.shards(found.execution.arn)
    document: Mapping[str, Any] = importlib.import_module("slipway.cli.batch.watching").document_of(
        batch, found, shards
    )
    return document
