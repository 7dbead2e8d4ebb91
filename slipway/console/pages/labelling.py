"""The queue to label: one drawn capture after the other; in the shadow, the model's answer comes after the person's."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from slipway.cli.monitor.labelling.shadow_answers import compare_shadow, read_shadow
from slipway.cli.monitor.labelling.typed import keys_of, question
from slipway.cli.monitor.watched import Watched
from slipway.console.context import Console, Here
from slipway.console.pages.forms import text_of_answer
from slipway.console.queries import labelling as queries
from slipway.console.queries.labelling import Order, Session, Sessions
from slipway.console.queries.monitoring import Chosen, watched_of
from slipway.errors import UnavailableError
from slipway.monitoring.accuracy.human import Comparison

router = APIRouter()
PATH = "/models/{model}/captures/label"
_ORDER_KEPT = timedelta(minutes=10)
Version = Annotated[str, Query(pattern="^[1-9][0-9]{0,8}$|^$")]


@router.get(PATH)
def label(request: Request, console: Here, model: str, shadow: bool = False, version: Version = "") -> Response:
    """The next record of the draw, and what the last one was."""
    watched = _watched(console, model, version)
    session = _session(request, watched, shadow=shadow)
    before = queries.answered_before(watched, shadow=shadow)
    queue = queries.queue_of(watched, _order(console, watched, shadow=shadow), session, before)
    return console.page(
        request,
        "label.html",
        model=model,
        shadow=shadow,
        version=watched.version,
        queue=queue,
        keys=keys_of(queue.outputs),
        question=question(queue.outputs).partition("  |")[0],
        session=session,
        answer=text_of_answer,
        comparison=_comparison(console, watched) if shadow else None,
    )


@router.post(PATH)
def answer(
    request: Request,
    console: Here,
    model: str,
    *,
    id: Annotated[str, Form(max_length=200)],
    answer: Annotated[str, Form(max_length=2000)] = "",
    skip: Annotated[str, Form()] = "",
    shadow: Annotated[bool, Form()] = False,
    version: Annotated[str, Form(pattern="^[1-9][0-9]{0,8}$|^$")] = "",
) -> Response:
    """Take an answer, and lead to the next record."""
    watched = _watched(console, model, version)
    session, order = _session(request, watched, shadow=shadow), _order(console, watched, shadow=shadow)
    if skip:
        queries.skip(watched, order, session, id, shadow=shadow)
    elif shadow:
        queries.give_shadow(watched, order, session, id, answer)
    else:
        queries.give_label(watched, order, session, id, answer, api=console.workspace.api())
    fields = {"version": str(watched.version), **({"shadow": "1"} if shadow else {})}
    # What was read stays: the order of the draw is the same after an answer, and reading it takes long.
    return RedirectResponse(f"{PATH.format(model=model)}?{urlencode(fields)}", 303)


def _watched(console: Console, model: str, version: str) -> Watched:
    console.workspace.model(model)
    return watched_of(console.workspace, Chosen(model, int(version) if version else None))


def _session(request: Request, watched: Watched, *, shadow: bool) -> Session:
    state = request.app.state
    if not hasattr(state, "labelling"):
        state.labelling = Sessions()
    sessions: Sessions = state.labelling
    return sessions.of(watched.model, watched.version, shadow=shadow)


def begin_anew(request: Request) -> None:
    """Begin every queue anew, because the last capture of one may just have been erased."""
    request.app.state.labelling = Sessions()


def _order(console: Console, watched: Watched, *, shadow: bool) -> Order:
    key = ("draw", watched.model, watched.version, shadow)
    tile = console.tiles.get(key, lambda: queries.draw(watched, shadow=shadow), kept=_ORDER_KEPT)
    if tile.value is None:
        raise UnavailableError("the draw of captures", tile.problem or "it could not be read")
    return tile.value


def _comparison(console: Console, watched: Watched) -> Comparison | None:
    """How the person compares with the model so far; None without an answer."""
    answers = read_shadow(queries.shadow_place(watched))
    if not answers:
        return None
    key = ("compared", watched.model, watched.version, len(answers))
    return console.tiles.get(key, lambda: compare_shadow(watched, answers)).value
