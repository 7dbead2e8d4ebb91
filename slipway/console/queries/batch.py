"""Batch jobs as `slipway batch` lists and describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.batch.account.runs import job_of as name_of
from slipway.batch.account.runs import number_of
from slipway.cli.batch.target import MACHINE, BatchTarget, jobs_in
from slipway.cli.batch.watching import document_of
from slipway.console.workspace import Workspace

SHOWN = 50


@dataclass(frozen=True, slots=True)
class ListedJob:
    """One job: its last run, and how often it was run."""

    job: str
    status: str
    runs: int
    started: datetime
    stopped: datetime | None


def open_batch(workspace: Workspace) -> BatchTarget | None:
    """The batch jobs of the deployment; None where there is no stack of them."""
    deployed = workspace.deployed()
    return jobs_in(workspace.config(), deployed) if MACHINE in deployed.outputs else None


def jobs_of(batch: BatchTarget) -> list[ListedJob]:
    """The latest jobs, newest first; raises UnavailableError."""
    return [
        ListedJob(name_of(each.name), each.status.lower(), number_of(each.name), each.started, each.stopped)
        for each in batch.jobs.recent(SHOWN)
    ]


def job_of(batch: BatchTarget, job: str) -> Mapping[str, Any]:
    """A job as `slipway batch status --json` prints it; raises NotFoundError and UnavailableError."""
    found = batch.jobs.find(job)
    shards = batch.jobs.executions.shards(found.execution.arn)
    return document_of(batch, found, shards)
