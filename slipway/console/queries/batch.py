"""Batch jobs as `slipway batch` lists and describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.batch.account.executions import RUNNING, Described
from slipway.batch.account.runs import Run, number_of
from slipway.batch.account.runs import job_of as name_of
from slipway.cli.batch.starting import check_asked
from slipway.cli.batch.target import MACHINE, BatchTarget, jobs_in
from slipway.cli.batch.watching import document_of
from slipway.console.workspace import Workspace
from slipway.errors import ConflictError
from slipway.wording import counted

SHOWN = 50


@dataclass(frozen=True, slots=True)
class ListedJob:
    """One job: its last run, and how often it was run."""

    job: str
    status: str
    runs: int
    started: datetime
    stopped: datetime | None


@dataclass(frozen=True, slots=True)
class ShownJob:
    """A job as `slipway batch status --json` prints it, and the name of its last run."""

    execution: str
    document: Mapping[str, Any]


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


def job_of(batch: BatchTarget, job: str) -> ShownJob:
    """A job; raises NotFoundError and UnavailableError."""
    return _shown(batch, batch.jobs.find(job))


def run_of(batch: BatchTarget, arn: str) -> ShownJob:
    """A job by the execution of one of its runs, which takes no search; raises UnavailableError."""
    return _shown(batch, batch.jobs.executions.describe(arn))


def _shown(batch: BatchTarget, found: Described) -> ShownJob:
    shards = batch.jobs.executions.shards(found.execution.arn)
    return ShownJob(found.execution.name, document_of(batch, found, shards))


def require_latest(batch: BatchTarget, job: str, execution: str) -> None:
    """Raise ConflictError if a job was run again after this run."""
    latest = batch.jobs.find(job).execution.name
    if latest != execution:
        raise ConflictError(f"{job} was run again meanwhile; look at that run first")


def start_sentences(batch: BatchTarget, asked: Run) -> list[str]:
    """What a new job will do; raises as `check_asked` does."""
    check_asked(batch, asked)
    of = asked.model
    scorer = f"the version of {of} that serves then" if asked.version is None else f"version {asked.version} of {of}"
    output = asked.output or f"a folder of its own in s3://{batch.jobs.bucket}/"
    readable = ", ".join([f"s3://{batch.jobs.bucket}/", *batch.config.batch.inputs])
    shards = counted(batch.config.batch.concurrency, "shard")
    return [
        f"Every row of {asked.source} is scored with {scorer}, at most {shards} at a time.",
        f"The answers come to {output} as {asked.format.value}.",
        f"Jobs may read {readable} (`batch.inputs`); a job on anything else fails at once.",
        f"It fails if more than {100 * asked.most_rejected:g} % of the rows are wrong.",
        "It can be stopped, and goes on later with what is missing.",
    ]


def cancel_sentences(found: ShownJob) -> list[str]:
    """What it does to stop a job; raises ConflictError if it does not run."""
    job, shards = found.document, found.document["shards"]
    if job["status"] != RUNNING:
        raise ConflictError(f"{job['job']} does not run: it is {str(job['status']).lower()}")
    return [
        f"Step Functions stops {job['job']}, and with it {counted(shards['running'], 'running shard')}.",
        f"The {shards['succeeded']:,} that are done stay in {job['output']}, and a rerun goes on from there.",
    ]


def rerun_sentences(found: ShownJob) -> list[str]:
    """What it does to run a job again; raises ConflictError while it runs."""
    job = found.document
    if job["status"] == RUNNING:
        raise ConflictError(f"{job['job']} still runs; stop it first")
    return [
        f"The rows of {job['input']} that have no answer in {job['output']} are scored; answers that are there stay.",
        "The result is that of an undisturbed run.",
    ]
