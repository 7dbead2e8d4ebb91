"""The jobs of an account: started, watched, stopped and run again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.batch.account.executions import RUNNING, Described, Execution, Executions
from slipway.batch.account.objects import store_object
from slipway.batch.account.places import Place
from slipway.batch.account.runs import INPUTS, Run, execution_name, job_of, new_job, number_of
from slipway.batch.folders import InputFolder
from slipway.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from slipway.models.registry.bucket import S3ClientFactory

_LISTED = 5


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of a state machine; ``bucket`` is that of batch jobs."""

    executions: Executions
    bucket: str

    def start(self, run: Run, now: datetime) -> Described:
        """Start a job under a name of its own."""
        job = run.job or new_job(run.model, now)
        begun = run.model_copy(update={"job": job})
        return self.executions.describe(self.executions.start(job, begun))

    def upload(self, source: Path, client: "S3ClientFactory", job: str) -> str:
        """Store a file or folder of this machine as the input of a job, and return its address.

        Raises:
            InputError: there is none, or it has other files than records.
            UnavailableError: S3 does not answer, or got other bytes than were sent.
        """
        folder = InputFolder(source)
        for name in folder.files():
            with folder.open(name) as content:
                store_object(client, self.bucket, f"{INPUTS}/{job}/{name}", content)
        return str(Place(self.bucket, f"{INPUTS}/{job}/"))

    def recent(self, most: int) -> list[Execution]:
        """The last run of each of the latest jobs, newest first."""
        return list(latest_of(self.executions.recent()).values())[:most]

    def find(self, job: str) -> Described:
        """The last run of a job; raises NotFoundError."""
        known = latest_of(self.executions.recent())
        if job not in known:
            raise NotFoundError("batch job", job, list(known)[:_LISTED])
        return self.executions.describe(known[job].arn)

    def cancel(self, job: str) -> Described:
        """Stop a job; raises NotFoundError, or ConflictError if it does not run."""
        found = self.find(job)
        if found.execution.status != RUNNING:
            raise ConflictError(f"{job} does not run: it is {found.execution.status.lower()}")
        self.executions.stop(found.execution)
        return self.executions.describe(found.execution.arn)

    def rerun(self, job: str) -> Described:
        """Run a job again, which scores what is missing; raises NotFoundError, or ConflictError while it runs."""
        found = self.find(job)
        if found.execution.status == RUNNING:
            raise ConflictError(f"{job} still runs; `slipway batch cancel {job}` stops it")
        # Of a job by the clock, what its addresses leave open is as it was then.
        last = found.execution
        run = found.run.begun(execution=last.name, started=last.started, bucket=self.bucket)
        name = execution_name(job, number_of(last.name) + 1)
        return self.executions.describe(self.executions.start(name, run))

    def output(self, found: Described) -> str:
        """Where the output of a job is."""
        begun = found.run.begun(execution=found.execution.name, started=found.execution.started, bucket=self.bucket)
        return str(begun.output)


def latest_of(executions: Iterable[Execution]) -> Mapping[str, Execution]:
    """The last run of each job, newest job first; the executions are given newest first."""
    found: dict[str, Execution] = {}
    for execution in executions:
        found.setdefault(job_of(execution.name), execution)
    return found
