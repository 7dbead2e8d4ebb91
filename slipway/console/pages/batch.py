"""Batch: the jobs of the account and their shards as they go on; start, cancel and rerun a job."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BaseModel, Field

from slipway.batch.account.executions import RUNNING
from slipway.batch.account.places import Place
from slipway.batch.account.runs import Run, job_of
from slipway.batch.parts import OutputFormat
from slipway.cli.batch.starting import begin_job
from slipway.cli.batch.target import BatchTarget
from slipway.console.context import Confirmation, Console, Here
from slipway.console.navigation import Page
from slipway.console.queries import batch as queries
from slipway.console.queries.batch import ListedJob, ShownJob
from slipway.console.streams import Rendered, stream
from slipway.console.tiles import Tile
from slipway.errors import NotFoundError, SlipwayError

router = APIRouter()
page = Page("Batch", "/batch", router)
Action = Literal["cancel", "rerun"]
ENDED = "ended"
Text = Annotated[str, Field(max_length=1000)]


class StartForm(BaseModel):
    """What is asked for a job. Without a version, it is the one that serves; without an output, the bucket of jobs."""

    model: Text
    source: Text
    output: Text = ""
    version: Annotated[str, Field(pattern="^[1-9][0-9]{0,8}$|^$")] = ""
    format: OutputFormat = OutputFormat.PARQUET

    @property
    def run(self) -> Run:
        """The job; raises InputError for what is no address in S3, such as a file of the console's own machine."""
        source = str(Place.parse(self.source.strip(), field="input"))
        output = str(Place.parse(self.output.strip(), field="output")) if self.output.strip() else None
        version = int(self.version) if self.version else None
        return Run(model=self.model, source=source, output=output, version=version, format=self.format)


@router.get(page.path)
def batch(request: Request, console: Here) -> Response:
    """The latest jobs, and a form for another."""
    found = console.tiles.get("batch", lambda: _jobs(console))
    models = {name: model.versions for name, model in console.workspace.config().models.items()}
    return console.page(
        request, "batch.html", found=found, models=models, formats=[each.value for each in OutputFormat]
    )


@router.get(f"{page.path}/start")
def ask_start(request: Request, console: Here, form: Annotated[StartForm, Query()]) -> Response:
    """Say what a new job will do, and ask for it."""
    sentences = queries.start_sentences(_target(console), form.run)
    asked = Confirmation(
        question=f"Start a batch job of {form.model}?",
        sentences=sentences,
        action=f"{page.path}/start",
        fields=form.model_dump(mode="json"),
        button="Start the job",
        back=page.path,
    )
    return console.confirm(request, asked)


@router.post(f"{page.path}/start")
def start(console: Here, form: Annotated[StartForm, Form()]) -> Response:
    """Start a job."""
    started = begin_job(_target(console), form.run, console.workspace.clock())
    return console.done(f"{page.path}/{job_of(started.execution.name)}")


@router.get(f"{page.path}/{{job}}")
def show(request: Request, console: Here, job: str) -> Response:
    """One job with its shards."""
    found = queries.job_of(_target(console, job), job)
    live = console.part(request, "job_live.html", job=found.document, execution=found.execution)
    at_work = found.document["status"] == RUNNING
    return console.page(request, "job.html", name=job, live=live, at_work=at_work, ended_event=ENDED)


@router.get(f"{page.path}/{{job}}/stream")
def follow(request: Request, console: Here, job: str) -> Response:
    """One job, sent again whenever it has changed, until it has ended."""
    target = _target(console, job)
    arn = target.jobs.find(job).execution.arn

    def render() -> Rendered:
        try:
            found = queries.run_of(target, arn)
        except SlipwayError as error:
            return console.part(request, "problem.html", tile=Tile(None, problem=str(error))), False
        text = console.part(request, "job_live.html", job=found.document, execution=found.execution)
        return text, found.document["status"] != RUNNING

    return stream(render, last=ENDED)


@router.get(f"{page.path}/{{job}}/{{action}}")
def ask(request: Request, console: Here, job: str, action: Action) -> Response:
    """Say what it does to stop a job or to run it again, and ask for it."""
    found = queries.job_of(_target(console, job), job)
    cancels = action == "cancel"
    here = f"{page.path}/{job}"
    asked = Confirmation(
        question=f"{'Stop' if cancels else 'Run'} {job}{'' if cancels else ' again'}?",
        sentences=_sentences(found, action),
        action=f"{here}/{action}",
        fields={"execution": found.execution},
        button="Stop the job" if cancels else "Run it again",
        danger=cancels,
        back=here,
    )
    return console.confirm(request, asked)


@router.post(f"{page.path}/{{job}}/{{action}}")
def order(console: Here, job: str, action: Action, execution: Annotated[str, Form(max_length=100)]) -> Response:
    """Stop the run of a job that the form is about, or run the job again after it."""
    target = _target(console, job)
    queries.require_latest(target, job, execution)
    if action == "cancel":
        target.jobs.cancel(job)
    else:
        target.jobs.rerun(job)
    return console.done(f"{page.path}/{job}")


def _sentences(found: ShownJob, action: Action) -> list[str]:
    return queries.cancel_sentences(found) if action == "cancel" else queries.rerun_sentences(found)


def _target(console: Console, job: str = "") -> BatchTarget:
    """The jobs of the deployment; raises NotFoundError without any."""
    target = queries.open_batch(console.workspace)
    if target is None:
        raise NotFoundError("batch job" if job else "deployed stack", job or "batch")
    return target


def _jobs(console: Console) -> tuple[list[ListedJob] | None]:
    """The jobs; None where no stack of batch jobs is deployed."""
    target = queries.open_batch(console.workspace)
    return (None if target is None else queries.jobs_of(target),)
