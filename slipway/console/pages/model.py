"""A model: its traffic, quality and versions, how to call it, and a form to try it."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from slipway.cli.api import ApiError
from slipway.console.context import Here
from slipway.console.navigation import Page
from slipway.console.queries import calling
from slipway.console.queries import model as queries
from slipway.console.security import TOKEN_FIELD
from slipway.errors import InputError, UnavailableError

router = APIRouter()
page = Page("Model", "/models/{model}", router)
FIELD = "field."
"""What the names of the form's fields begin with, so that an input may be named like any other field."""


@router.get(page.path)
def show(request: Request, console: Here, model: str, hours: str = "1") -> Response:
    """The page of a model."""
    workspace, tiles = console.workspace, console.tiles
    settings = workspace.model(model)
    span = queries.SPANS.get(hours, queries.SPANS["1"])
    traffic = tiles.begin(("traffic", model, span), lambda: queries.model_traffic(workspace, model, span))
    caller = tiles.begin(("caller", model), lambda: (calling.caller(workspace, model),))
    return console.page(
        request,
        "model.html",
        model=model,
        settings=settings,
        span=span,
        spans=queries.SPANS,
        traffic=traffic.tile(),
        caller=caller.tile(),
    )


@router.post(f"{page.path}/try")
async def attempt(request: Request, console: Here, model: str) -> Response:
    """Predict one record."""
    console.workspace.model(model)
    form = {name: str(value) for name, value in (await request.form()).items() if name != TOKEN_FIELD}
    given = {name.removeprefix(FIELD): value for name, value in form.items() if name.startswith(FIELD) and value != ""}
    version = int(form["version"]) if form.get("version", "").isdecimal() else None
    return await run_in_threadpool(_answer, request, console, model, given, version)


def _answer(request: Request, console: Here, model: str, given: dict[str, str], version: int | None) -> Response:
    answer, problem = None, None
    try:
        answer = calling.predicted(console.workspace, model, given, version)
    except (ApiError, InputError, UnavailableError) as error:
        problem = str(error)
    template = "answer.html" if "hx-request" in request.headers else "tried.html"
    return console.page(request, template, model=model, answer=answer, problem=problem, given=given)
