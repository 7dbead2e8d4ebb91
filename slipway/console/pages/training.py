"""Training: the runs of each model as they go on; start one, resume one that failed, and answer one that waits."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response

from slipway.cli.model.local_packages import Project
from slipway.cli.train.orders import answer_run, begin_run, run_before
from slipway.cli.train.target import TrainingTarget
from slipway.console.context import Confirmation, Console, Here
from slipway.console.navigation import Page
from slipway.console.queries import training as queries
from slipway.console.queries.training import Order, ShownRun
from slipway.console.streams import Rendered, stream
from slipway.console.tiles import Tile
from slipway.errors import ConflictError
from slipway.training.account.executions import Answer

router = APIRouter()
page = Page("Training", "/training", router)

Action = Literal["approve", "reject", "start", "resume"]
ENDED = "ended"
_SHOWN = 10
_AT_ONCE = timedelta(0)
Runs = dict[str, list[ShownRun]]


@router.get(page.path)
def training(request: Request, console: Here) -> Response:
    """The runs of every model that is trained."""
    found = console.tiles.get("training", lambda: _runs(console), kept=_AT_ONCE)
    runs = _part(console, request, found)
    return console.page(
        request, "training.html", found=found, runs=runs, ended_event=ENDED, at_work=_at_work(found.value or {})
    )


@router.get(f"{page.path}/stream")
def follow(request: Request, console: Here) -> Response:
    """The runs, sent again whenever they have changed, until none is at work."""

    def render() -> Rendered:
        found = console.tiles.get("training", lambda: _runs(console), kept=_AT_ONCE)
        return _part(console, request, found), found.problem is None and not _at_work(found.value or {})

    return stream(render, last=ENDED)


@router.get(f"{page.path}/{{model}}/{{action}}")
def ask(request: Request, console: Here, model: str, action: Action) -> Response:
    """Say what an order does, before it is given."""
    console.workspace.model(model)
    order = _order(queries.require(queries.open_training(console.workspace)), model, action)
    asked = Confirmation(
        question=f"{order.name} of {model}?",
        sentences=order.sentences,
        action=f"{page.path}/{model}/{action}",
        fields={"run": order.run},
        button=order.name,
        danger=order.danger,
        back=page.path,
        ask_reason=True,
    )
    return console.confirm(request, asked)


@router.post(f"{page.path}/{{model}}/{{action}}")
def give(
    console: Here,
    model: str,
    action: Action,
    run: Annotated[str, Form(max_length=100)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Give an order about the run that its form is about, and no later one."""
    console.workspace.model(model)
    found = queries.require(queries.open_training(console.workspace))
    by = found.caller()
    if action in ("approve", "reject"):
        answer_run(found, model, Answer(action == "approve", by, reason), run=run)
        return console.done(page.path)
    resume = action == "resume"
    newest = run_before(found, model, resume=resume)
    if run != (newest.run.id if newest else ""):
        raise ConflictError(f"another run of {model} was started meanwhile; look at that one first")
    commit = Project(console.workspace.config_file, model).commit()
    begin_run(found, model, resume=resume, by=by, reason=reason, git_commit=commit)
    return console.done(page.path)


def _order(found: TrainingTarget, model: str, action: Action) -> Order:
    if action in ("approve", "reject"):
        return queries.answer_order(found, model, approved=action == "approve")
    return queries.start_order(found, model, resume=action == "resume")


def _part(console: Console, request: Request, found: Tile[Runs]) -> str:
    """The part of the page that changes."""
    return console.part(
        request, "training_runs.html", found=found, trained=set(console.workspace.config().trained_models)
    )


def _at_work(runs: Runs) -> bool:
    return any(own and not own[0].ended for own in runs.values())


def _runs(console: Console) -> Runs:
    """The newest runs by model; empty where nothing is trained."""
    found = queries.open_training(console.workspace)
    if found is None:
        return {}
    config = console.workspace.config()
    runs = {name: queries.runs_of(found, name)[:_SHOWN] for name in config.models}
    return {name: own for name, own in runs.items() if own or name in config.trained_models}
