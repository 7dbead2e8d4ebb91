"""Training: the runs of each model, their steps and gates, and a person's yes or no."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response

from slipway.console.context import Console, Here
from slipway.console.navigation import Page
from slipway.console.queries import training as queries
from slipway.console.queries.training import ShownRun

router = APIRouter()
page = Page("Training", "/training", router)

Said = Literal["approve", "reject"]
_SHOWN = 10


@router.get(page.path)
def training(request: Request, console: Here) -> Response:
    """The runs of every model that is trained."""
    found = console.tiles.get("training", lambda: _runs(console))
    return console.page(request, "training.html", found=found)


@router.get(f"{page.path}/{{model}}/{{said}}")
def ask(request: Request, console: Here, model: str, said: Said) -> Response:
    """Say what an answer does, before it is given."""
    console.workspace.model(model)
    question = queries.question_of(queries.require(queries.open_training(console.workspace)), model)
    version, approved = question.version, said == "approve"
    stays = "stays in the registry, and nothing releases it"
    what = "is released as slipway.yaml says; the judge compares it from there" if approved else stays
    return console.page(
        request,
        "confirm.html",
        question=f"{said.capitalize()} version {version} of {model}?",
        sentences=[
            f"Version {version}, which run {question.run} has trained, {what}.",
            "Your name is in the run's record.",
        ],
        action=f"{page.path}/{model}/{said}",
        fields={"run": question.run},
        button=f"{said.capitalize()} version {version}",
        kind="" if approved else "danger",
        back=page.path,
        ask_reason=True,
    )


@router.post(f"{page.path}/{{model}}/{{said}}")
def answer(
    console: Here,
    model: str,
    said: Said,
    run: Annotated[str, Form(max_length=100)],
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Give a person's answer to a run."""
    console.workspace.model(model)
    found = queries.require(queries.open_training(console.workspace))
    queries.give_answer(found, model, run=run, approved=said == "approve", reason=reason)
    return console.done(page.path)


def _runs(console: Console) -> dict[str, list[ShownRun]]:
    """The newest runs by model; empty where nothing is trained."""
    found = queries.open_training(console.workspace)
    if found is None:
        return {}
    models = console.workspace.config().models
    runs = {name: queries.runs_of(found, name)[:_SHOWN] for name in models}
    return {name: own for name, own in runs.items() if own or getattr(models[name], "training", None) is not None}
