"""Start a job in the account."""

from datetime import datetime
from pathlib import Path

from slipway.batch.account.executions import Described
from slipway.batch.account.places import Place, is_address
from slipway.batch.account.runs import Run, new_job
from slipway.cli.batch.target import BatchTarget
from slipway.errors import NotFoundError


def check_asked(target: BatchTarget, asked: Run) -> None:
    """Raise NotFoundError for a model that there is not, and InputError for what a job cannot do."""
    if asked.model not in target.config.models:
        raise NotFoundError("model", asked.model, target.config.models, within="slipway.yaml")
    asked.extras.check(target.config, asked.model)
    if is_address(asked.source):
        Place.parse(asked.source, field="INPUT")


def begin_job(target: BatchTarget, asked: Run, now: datetime) -> Described:
    """Start a job under a new name; an input of this machine is stored in the bucket of jobs first.

    Raises:
        NotFoundError: slipway.yaml lacks the model.
        InputError: an address is malformed, there is no such input, or the extras do not go together.
        UnavailableError: AWS cannot be reached.
    """
    check_asked(target, asked)
    job, source = new_job(asked.model, now), asked.source
    if not is_address(source):
        source = target.jobs.upload(Path(source), target.objects, job)
    return target.jobs.start(asked.model_copy(update={"job": job, "source": source}), now)
