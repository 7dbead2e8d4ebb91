"""Release: what is under way and why, as it goes on; start, promote and roll back, each after a page that asks."""

from datetime import timedelta
from typing import Annotated, get_args

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BaseModel, Field

from slipway.cli.options import named_changes
from slipway.cli.release.foresight import percent, rough_time
from slipway.cli.release.orders import OrderName, begin_release, give_order, past_releases, planned_record
from slipway.config.releases.options import Strategy
from slipway.console.context import Confirmation, Console, Here
from slipway.console.navigation import Page
from slipway.console.queries import releases as queries
from slipway.console.streams import Rendered, stream
from slipway.console.tiles import Tile
from slipway.errors import ConflictError, SlipwayError, UnavailableError
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.request import ReleaseRequest
from slipway.releases.strategies.groups import group_results

router = APIRouter()
page = Page("Release", "/models/{model}/release", router)
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
_AT_ONCE = timedelta(0)
SETTLED = "settled"
Text = Annotated[str, Field(max_length=2000)]


class StartForm(BaseModel):
    """What is asked for a release; the options are NAME=VALUE, one a line."""

    candidate: Annotated[list[int], Field(min_length=1)]
    strategy: Text = ""
    options: Text = ""
    reason: Text = ""

    def request(self, model: str, *, by: str) -> ReleaseRequest:
        """The request that the form makes; raises InputError."""
        changes = named_changes([line.strip() for line in self.options.splitlines() if line.strip()])
        strategy = self.strategy or None
        return ReleaseRequest(model, tuple(self.candidate), strategy, changes, by=by, reason=self.reason)


class StartOrder(StartForm):
    """The request for a release whose plan was shown, and the tag of that plan."""

    plan: Annotated[str, Field(max_length=64)]


@router.get(page.path)
def show(request: Request, console: Here, model: str) -> Response:
    """The latest release of a model, and those before."""
    workspace = console.workspace
    settings = workspace.model(model)
    latest = console.tiles.get(("release", model), lambda: (queries.latest_release(workspace, model),), kept=_AT_ONCE)
    past = console.tiles.begin(("past", model), lambda: past_releases(workspace.store(), model))
    record = latest.value[0] if latest.value else None
    return console.page(
        request,
        "release.html",
        model=model,
        settings=settings,
        latest=latest,
        record=record,
        live=None if record is None else _live(console, request, record),
        past=past.tile(),
        strategies=STRATEGIES,
        settled_event=SETTLED,
    )


@router.get(f"{page.path}/stream")
def follow(request: Request, console: Here, model: str) -> Response:
    """The latest release, sent again whenever it has changed, until it has settled."""
    console.workspace.model(model)

    def render() -> Rendered:
        try:
            record = queries.latest_release(console.workspace, model)
        except SlipwayError as error:
            return console.part(request, "problem.html", model=model, tile=Tile(None, problem=str(error))), False
        if record is None:
            return "", True
        return _live(console, request, record), record.settled

    return stream(render, last=SETTLED)


def _live(console: Console, request: Request, record: ReleaseRecord) -> str:
    """The part of the page that changes. Evidence is read once a minute, and again when the record has changed."""
    key = (record.id, record.revision)
    seen = console.tiles.begin(("look", *key), lambda: queries.look_at(console.workspace, record))
    foresight = console.tiles.begin(("foreseen", record.id), lambda: (queries.foreseen(console.workspace, record),))
    look = seen.tile()
    found = look.value
    return console.part(
        request,
        "release_live.html",
        model=record.model,
        record=record,
        look=look,
        shares=queries.shares_of(found) if found else None,
        findings=queries.findings(found) if found else (),
        verdict=found.decision.verdict if found and found.decision else None,
        phases=list(queries.phases(record)),
        ending=queries.ending(record),
        segments=group_results(record).lines if record.segments else (),
        foresight=foresight.tile(),
        percent_of=percent,
        rough_time=rough_time,
    )


@router.get(f"{page.path}/plan")
def plan(request: Request, console: Here, model: str, form: Annotated[StartForm, Query()]) -> Response:
    """The plan of a release, and when there will be a verdict, before it is started."""
    console.workspace.model(model)
    planned, problem = None, None
    try:
        planned = queries.planned(console.workspace, form.request(model, by="nobody"))
    except SlipwayError as error:
        problem = str(error)
    return console.page(
        request,
        "release_plan.html",
        status=422 if problem else 200,
        model=model,
        planned=planned,
        problem=problem,
        form=form,
        percent_of=percent,
        rough_time=rough_time,
    )


@router.post(f"{page.path}/start")
def start(console: Here, model: str, form: Annotated[StartOrder, Form()]) -> Response:
    """Start the release that the plan showed; the controller carries it out."""
    console.workspace.model(model)
    target = console.workspace.releases()
    request = form.request(model, by=target.caller())
    record = planned_record(console.workspace.config_file, console.workspace.config(), target, request)
    if queries.tag_of(record) != form.plan:
        raise ConflictError("slipway.yaml or the stable version has changed since the plan was shown; plan again")
    begin_release(target, record)
    return console.done(page.path.format(model=model))


@router.get(f"{page.path}/{{action}}")
def ask(request: Request, console: Here, model: str, action: OrderName) -> Response:
    """Say what a promotion or a rollback will do, and ask for it."""
    record = _under_way(console, model)
    seen = console.tiles.get(("look", record.id, record.revision), lambda: queries.look_at(console.workspace, record))
    decision = seen.value.decision if seen.value else None
    verdict = decision.verdict.sentence if decision and decision.verdict else None
    promotes = action == "promote"
    sentences = queries.promotion_sentences(record, verdict) if promotes else queries.rollback_sentences(record)
    here = page.path.format(model=model)
    asked = Confirmation(
        question=f"{'Promote' if promotes else 'Roll back'} {record.id}?",
        sentences=sentences,
        action=f"{here}/{action}",
        fields={"release": record.id},
        ask_reason=True,
        button="Promote" if promotes else "Roll back",
        danger=not promotes,
        back=here,
    )
    return console.confirm(request, asked, model=model)


@router.post(f"{page.path}/{{action}}")
def order(
    console: Here,
    model: str,
    action: OrderName,
    release: Annotated[str, Form()],
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Promote or roll back the release that the form is about, and no later one."""
    console.workspace.model(model)
    target = console.workspace.releases()
    done = give_order(target, model, action, by=target.caller(), reason=reason, release=release)
    if done.errors:
        raise UnavailableError("part of the order", "; ".join(done.errors) + "; the controller tries again each minute")
    return console.done(page.path.format(model=model))


def _under_way(console: Console, model: str) -> ReleaseRecord:
    console.workspace.model(model)
    record = queries.latest_release(console.workspace, model)
    if record is None or record.phase.ended:
        raise ConflictError(f"no release of {model} is under way")
    return record
