"""Batch: the jobs of the account, and how far the shards of each are."""

from fastapi import APIRouter, Request, Response

from slipway.console.context import Console, Here
from slipway.console.navigation import Page
from slipway.console.queries import batch as queries
from slipway.console.queries.batch import ListedJob
from slipway.errors import NotFoundError

router = APIRouter()
page = Page("Batch", "/batch", router)


@router.get(page.path)
def batch(request: Request, console: Here) -> Response:
    """The latest jobs."""
    found = console.tiles.get("batch", lambda: _jobs(console))
    return console.page(request, "batch.html", found=found)


@router.get(f"{page.path}/{{job}}")
def job(request: Request, console: Here, job: str) -> Response:
    """One job with its shards."""
    target = queries.open_batch(console.workspace)
    if target is None:
        raise NotFoundError("batch job", job)
    return console.page(request, "job.html", job=queries.job_of(target, job))


def _jobs(console: Console) -> tuple[list[ListedJob] | None]:
    """The jobs; None where no stack of batch jobs is deployed."""
    target = queries.open_batch(console.workspace)
    return (None if target is None else queries.jobs_of(target),)
