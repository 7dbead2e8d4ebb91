"""Captures: search what was predicted, and open one with its inputs, its answer and what came back on it."""

from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from slipway.console.context import Here
from slipway.console.navigation import Page
from slipway.console.pages import labelling
from slipway.console.pages.forms import number_of, text_of_answer
from slipway.console.queries import captures as queries
from slipway.console.queries.captures import Found, Search
from slipway.errors import InputError
from slipway.monitoring.drift.windows import window_of

router = APIRouter()
router.include_router(labelling.router)
page = Page("Captures", "/models/{model}/captures", router)

Text = Annotated[str, Query(max_length=300)]
_LONGEST = timedelta(days=400)


@router.get(page.path)
def captures(
    request: Request,
    console: Here,
    model: str,
    *,
    window: Text = "",
    version: Text = "",
    label: Text = "",
    least: Text = "",
    most: Text = "",
    entity: Text = "",
    before: Text = "",
) -> Response:
    """The newest captures that are searched for."""
    workspace = console.workspace
    workspace.model(model)
    captured = model in workspace.config().captured_models
    asked = {"window": window, "version": version, "label": label, "least": least, "most": most, "entity": entity}
    found = None
    if captured:
        search = _search(model, asked, before, workspace.clock())
        key = ("captures", model, before, *asked.values())
        found = console.tiles.get(key, lambda: queries.find_captures(workspace, search))
    return console.page(
        request,
        "captures.html",
        model=model,
        captured=captured,
        versions=workspace.config().models[model].versions,
        asked=asked,
        found=found,
        answer=text_of_answer,
        earlier=_earlier(model, asked, found.value if found else None),
    )


def _search(model: str, asked: dict[str, str], before: str, now: datetime) -> Search:
    """What a form asks for; raises InputError for a field that cannot be read."""
    span = window_of(asked["window"].strip() or "24h", until=now, option="window")
    until = min(_moment(before) if before else span.until, now)
    version = number_of(asked["version"], "version")
    return Search(
        model=model,
        since=max(span.since, now - _LONGEST),
        until=until,
        version=None if version is None else int(version),
        label=asked["label"].strip(),
        least=number_of(asked["least"], "least"),
        most=number_of(asked["most"], "most"),
        entity=asked["entity"].strip(),
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError.of("before", f"{text!r} is not a moment") from error
    if moment.tzinfo is None:
        raise InputError.of("before", f"{text!r} has no time zone")
    return moment


def _earlier(model: str, asked: dict[str, str], found: Found | None) -> str | None:
    """The address of the page with earlier captures; None if there are none."""
    if found is None or found.earlier is None:
        return None
    fields = {name: value for name, value in asked.items() if value}
    return f"/models/{model}/captures?{urlencode({**fields, 'before': found.earlier.isoformat()})}"


@router.get(f"{page.path}/{{identifier}}")
def capture(request: Request, console: Here, model: str, identifier: str) -> Response:
    """One capture."""
    workspace = console.workspace
    workspace.model(model)
    opened = queries.open_capture(workspace, model, identifier)
    return console.page(request, "capture.html", model=model, opened=opened, answer=text_of_answer)
