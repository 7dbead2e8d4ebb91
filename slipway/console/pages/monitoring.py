"""Monitoring: which columns have drifted, how accurate a version is, and where served features differ."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from slipway.cli.monitor.accuracy import KnownAccuracy
from slipway.cli.monitor.accuracy_report import summary_rows
from slipway.cli.monitor.drift_report import Compared
from slipway.cli.skew.report import as_document
from slipway.console.context import Here
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


def _drift(found: Compared) -> dict[str, object]:
    """What the template shows of drift."""
    lines = list(found.lines)
    return {
        "found": found,
        "effects": effects(lines, found.effect),
        "rows": [(line, word(line, found.effect)) for line in lines],
        "drifted": [line for line in lines if line.verdict is not None and line.verdict.since is not None],
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
