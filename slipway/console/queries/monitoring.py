"""What the page of monitoring shows: the drift, the accuracy and the skew that `slipway monitor` prints."""

from dataclasses import dataclass
from datetime import timedelta

from slipway.cli.monitor.accuracy import KnownAccuracy, known_accuracy
from slipway.cli.monitor.acknowledging import Change, named
from slipway.cli.monitor.acknowledging_accuracy import described, proposed_normal
from slipway.cli.monitor.drift.report import Compared
from slipway.cli.monitor.drift.window import Asked, compared
from slipway.cli.monitor.drift_source import MonitoredModel
from slipway.cli.monitor.watched import Watched, watch_deployed
from slipway.cli.skew.sources import Compared as SkewCompared
from slipway.cli.skew.sources import SkewReport, compare_with_history
from slipway.console.workspace import Workspace
from slipway.errors import ConflictError
from slipway.monitoring.drift.windows import Window, window_of
from slipway.monitoring.skew.replay import RACE_SECONDS, TOLERANCE

LONGEST = timedelta(days=90)
_ANEW = "The evidence starts anew, so the alarm clears until there is enough of it again."


@dataclass(frozen=True, slots=True)
class Chosen:
    """The model, version and span of time of a page; the defaults are those of the commands."""

    model: str
    version: int | None = None
    window: str = ""


def drift_of(workspace: Workspace, chosen: Chosen) -> Compared:
    """The columns of a window beside the baseline; raises as `compared` does."""
    found = MonitoredModel.of(workspace.config_file, chosen.model, workspace.deployed())
    window = _window(workspace, chosen.window or f"{found.settings.window_hours}h")
    return compared(Asked(found, chosen.version, window, None, None))


def accuracy_of(workspace: Workspace, chosen: Chosen) -> KnownAccuracy:
    """The accuracy of a window; raises as `known_accuracy` does."""
    return known_accuracy(watched_of(workspace, chosen))


def watched_of(workspace: Workspace, chosen: Chosen, *, default: str = "7d") -> Watched:
    """The captures of a version in a window; raises InputError for a model that is not captured."""
    version, window = chosen.version, _window(workspace, chosen.window or default)
    config, deployed = workspace.config(), workspace.deployed()
    return watch_deployed(config, workspace.root, chosen.model, version=version, window=window, deployed=deployed)


def skew_of(workspace: Workspace, chosen: Chosen) -> SkewReport:
    """The features that predictions were made with beside the history; raises as `compare_with_history` does."""
    window = _window(workspace, chosen.window or "24h")
    found = SkewCompared(
        workspace.config(), workspace.config_file, chosen.model, window.since, window.until, place=None
    )
    return compare_with_history(found, None, tolerance=TOLERANCE, race_seconds=RACE_SECONDS)


def _window(workspace: Workspace, text: str) -> Window:
    """A window as a form gives it, until now and of bounded length; raises InputError."""
    now = workspace.clock()
    asked = window_of(text, until=now, option="window")
    until = min(asked.until, now)
    return Window(min(max(asked.since, until - LONGEST), until), until)


def change_of(workspace: Workspace, chosen: Chosen, columns: tuple[str, ...], *, back: bool) -> Change:
    """What is to be changed, with its columns named.

    Raises as `named` does, and ConflictError if the baseline is compared with already.
    """
    found = MonitoredModel.of(workspace.config_file, chosen.model, workspace.deployed())
    window = _window(workspace, chosen.window or f"{found.settings.window_hours}h")
    version = chosen.version or found.busiest(window)
    change = named(Change(found, version, window, columns, back))
    if not change.columns:
        raise ConflictError(f"nothing is acknowledged of {chosen.model} {version}")
    return change


def drift_sentences(change: Change) -> list[str]:
    """What the change will do."""
    of, columns = f"{change.model.name} {change.version}", ", ".join(change.columns)
    if change.baseline:
        return [f"The monitor compares {columns} of {of} with its baseline again.", _ANEW]
    return [
        f"The monitor compares {columns} of {of} with what came from {change.window} UTC, no longer with the baseline.",
        _ANEW,
        "This page shows from when on that is so, and leads back to the baseline.",
    ]


def accuracy_sentences(watched: Watched, *, back: bool) -> list[str]:
    """What it will do to take the accuracy of now as normal, or to end that; raises as `proposed_normal` does."""
    of = f"{watched.model} {watched.version}"
    if back:
        return [f"The monitor compares the accuracy of {of} with that on its validation records again.", _ANEW]
    normal = described(proposed_normal(watched, since=None))
    return [
        f"{of} takes {normal} as normal: the line that accuracy may not fall below is drawn from there.",
        _ANEW,
        "Another fall of more than `monitoring.accuracy.max_drop` raises an alarm again.",
    ]
