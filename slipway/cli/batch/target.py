"""Find the jobs that the commands use: in a running embedded AWS, else in the account."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.cli.deployed import Deployed, find_deployed
from slipway.cli.project import load_project
from slipway.config import Config
from slipway.errors import NotFoundError

if TYPE_CHECKING:
    from slipway.batch.account.jobs import Jobs
    from slipway.models.registry.bucket import S3ClientFactory

MACHINE = "BatchStateMachine"
"""The output of the stack of batch jobs; a project with `batch: { enabled: false }` has none."""


@dataclass(frozen=True)
class BatchTarget:
    """A slipway.yaml, and the jobs of its deployment."""

    config: Config
    jobs: "Jobs"
    place: str
    options: dict[str, Any]

    @property
    def objects(self) -> "S3ClientFactory":
        """Makes the client of S3 that reaches the same place."""
        from slipway.models.registry.bucket import s3_client

        return s3_client(**self.options)


def find_jobs(config_file: Path) -> BatchTarget:
    """Find the jobs of a slipway.yaml; raises as `find_deployed` and `jobs_in`."""
    config = load_project(config_file)
    return jobs_in(config, find_deployed(config.project))


def jobs_in(config: Config, deployed: Deployed) -> BatchTarget:
    """The jobs of a deployment; raises NotFoundError if it has no stack of them."""
    from slipway.batch.account.executions import Executions  # boto3 takes a quarter of a second to import
    from slipway.batch.account.jobs import Jobs

    if MACHINE not in deployed.outputs:
        reason = "slipway.yaml says `batch: { enabled: false }`, or it was deployed before there were batch jobs"
        raise NotFoundError("stack", f"{config.project}-batch", way_out=f"{reason}; `--local` scores on this machine")
    executions = Executions(deployed.output(MACHINE), deployed.options)
    return BatchTarget(config, Jobs(executions, deployed.output("BatchBucket")), deployed.place, deployed.options)
