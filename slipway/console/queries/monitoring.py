"""What the page of monitoring shows: the drift, the accuracy and the skew that `slipway monitor` prints."""

from dataclasses import dataclass
from datetime import timedelta

from slipway.cli.monitor.accuracy import KnownAccuracy, known_accuracy
from slipway.cli.monitor.drift_report import Compared
from slipway.cli.monitor.drift_source import MonitoredModel
from slipway.cli.monitor.drift_window import Asked, compared
from slipway.cli.monitor.skew import read_window
from slipway.cli.monitor.watched import Watched, watch_deployed
from slipway.cli.skew.sources import Compared as SkewCompared
from slipway.cli.skew.sources import SkewReport, compare_with_history
from slipway.console.workspace import Workspace
from slipway.monitoring.drift.windows import Window, window_of
from slipway.monitoring.skew.replay import RACE_SECONDS, TOLERANCE

LONGEST = timedelta(days=90)


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
    until, config = workspace.clock(), workspace.config()
    since = until - min(read_window(chosen.window or "24h"), LONGEST)
    found = SkewCompared(config, workspace.config_file, chosen.model, since, until, None)
    return compare_with_history(found, None, tolerance=TOLERANCE, race_seconds=RACE_SECONDS)


def _window(workspace: Workspace, text: str) -> Window:
    """A window as a form gives it, until now and of bounded length; raises InputError."""
    now = workspace.clock()
    asked = window_of(text, until=now, option="window")
    until = min(asked.until, now)
    return Window(min(max(asked.since, until - LONGEST), until), until)
