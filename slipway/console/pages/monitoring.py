"""Monitoring: which columns have drifted, how accurate a version is, where served features differ; what is normal."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BaseModel, Field

from slipway.cli.monitor.accuracy import KnownAccuracy
from slipway.cli.monitor.accuracy_report import summary_rows
from slipway.cli.monitor.acknowledging import change_references
from slipway.cli.monitor.acknowledging_accuracy import acknowledge_accuracy, return_to_sealed
from slipway.cli.monitor.drift.report import Compared
from slipway.cli.skew.report import as_document
from slipway.console.context import Confirmation, Here
from slipway.console.navigation import Page
from slipway.console.pictures.accuracy import over_time
from slipway.console.pictures.drift import beside, effects, word
from slipway.console.queries import monitoring as queries
from slipway.console.queries.monitoring import Chosen

router = APIRouter()
page = Page("Monitoring", "/models/{model}/monitoring", router)

DRAWN = 6
"""The columns that are drawn beside their baseline; the others are in the table."""
_MOST_ROWS = 100
Window = Annotated[str, Query(max_length=60)]
Version = Annotated[str, Query(pattern="^[1-9][0-9]{0,8}$|^$")]
Action = Literal["acknowledge", "return"]
Of = Literal["drift", "accuracy"]
_QUESTIONS: dict[tuple[Action, Of], str] = {
    ("acknowledge", "drift"): "Take the window as normal for these columns",
    ("return", "drift"): "Go back to the baseline",
    ("acknowledge", "accuracy"): "Take the accuracy of now as normal",
    ("return", "accuracy"): "Go back to the accuracy on the validation records",
}
_BUTTONS: dict[Action, str] = {"acknowledge": "This is the new normal", "return": "Go back"}


class AcknowledgeForm(BaseModel):
    """What is normal from now on, or no longer: columns of a version in a window; none are those that have drifted."""

    version: Annotated[str, Field(pattern="^[1-9][0-9]{0,8}$|^$")] = ""
    window: Annotated[str, Field(max_length=80)] = ""
    columns: Annotated[str, Field(max_length=20_000)] = ""

    def chosen(self, model: str) -> Chosen:
        """The version and the window."""
        return Chosen(model, int(self.version) if self.version else None, self.window.strip())

    @property
    def named_columns(self) -> tuple[str, ...]:
        """The columns, which the form has by commas."""
        return tuple(name for name in self.columns.split(",") if name)


@router.get(page.path)
def monitoring(request: Request, console: Here, model: str, window: Window = "", version: Version = "") -> Response:
    """Drift and accuracy of one version in a window."""
    workspace, tiles, chosen = (
        console.workspace,
        console.tiles,
        Chosen(model, int(version) if version else None, window.strip()),
    )
    workspace.model(model)
    config = workspace.config()
    captured = model in config.captured_models
    drift, accuracy = None, None
    if captured:
        reading = tiles.begin(("drift", chosen), lambda: queries.drift_of(workspace, chosen))
        known = tiles.begin(("accuracy", chosen), lambda: queries.accuracy_of(workspace, chosen))
        drift, accuracy = reading.tile().map(_drift), known.tile().map(_accuracy)
    return console.page(
        request,
        "monitoring.html",
        model=model,
        chosen=chosen,
        captured=captured,
        versions=config.models[model].versions,
        drift=drift,
        accuracy=accuracy,
    )


@router.get(f"{page.path}/skew")
def skew(request: Request, console: Here, model: str, window: Window = "") -> Response:
    """The features of predictions beside their history, row by row."""
    workspace, chosen = console.workspace, Chosen(model, None, window.strip())
    workspace.model(model)
    found = console.tiles.get(("skew", chosen), lambda: queries.skew_of(workspace, chosen))
    shown = found.map(lambda report: as_document(report, model, _MOST_ROWS))
    return console.page(request, "skew.html", model=model, chosen=chosen, skew=shown)


@router.get(f"{page.path}/{{action}}/{{of}}")
def ask(
    request: Request, console: Here, model: str, action: Action, *, of: Of, form: Annotated[AcknowledgeForm, Query()]
) -> Response:
    """Say what is taken as normal, or no longer, and ask for it."""
    console.workspace.model(model)
    chosen, back = form.chosen(model), action == "return"
    fields: dict[str, object] = {}
    if of == "drift":
        change = queries.change_of(console.workspace, chosen, form.named_columns, back=back)
        window = f"{change.window.since.isoformat()}/{change.window.until.isoformat()}"
        fields = {"version": change.version, "window": window, "columns": ",".join(change.columns)}
        sentences = queries.drift_sentences(change)
    else:
        watched = queries.watched_of(console.workspace, Chosen(model, chosen.version))
        fields, sentences = {"version": watched.version}, queries.accuracy_sentences(watched, back=back)
    here = page.path.format(model=model)
    asked = Confirmation(
        question=f"{_QUESTIONS[action, of]} of {model} {fields['version']}?",
        sentences=sentences,
        action=f"{here}/{action}/{of}",
        fields=fields,
        button=_BUTTONS[action],
        back=here,
    )
    return console.confirm(request, asked, model=model)


@router.post(f"{page.path}/{{action}}/{{of}}")
def give(console: Here, model: str, action: Action, of: Of, form: Annotated[AcknowledgeForm, Form()]) -> Response:
    """Take what the form names as normal, or no longer."""
    console.workspace.model(model)
    chosen, back = form.chosen(model), action == "return"
    if of == "drift":
        change_references(queries.change_of(console.workspace, chosen, form.named_columns, back=back))
    else:
        watched = queries.watched_of(console.workspace, Chosen(model, chosen.version))
        if back:
            return_to_sealed(watched)
        else:
            acknowledge_accuracy(watched, since=None)
    return console.done(f"{page.path.format(model=model)}?version={chosen.version or ''}")


def _drift(found: Compared) -> dict[str, object]:
    """What the template shows of drift."""
    lines = list(found.lines)
    return {
        "found": found,
        "effects": effects(lines, found.effect),
        "rows": [(line, word(line, found.effect)) for line in lines],
        "drifted": [line for line in lines if line.verdict is not None and line.verdict.since is not None],
        "acknowledged": [line for line in lines if line.acknowledged],
        "pictures": [beside(line.drift, found.against) for line in lines[:DRAWN]],
    }


def _accuracy(known: KnownAccuracy) -> dict[str, object]:
    """What the template shows of accuracy."""
    found = known.summary
    return {
        "found": found,
        "alarmed": known.alarmed,
        "rows": summary_rows(found),
        "picture": over_time(found),
    }
