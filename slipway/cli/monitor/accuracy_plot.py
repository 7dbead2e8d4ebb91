"""A plot of accuracy by hour; needs the extra `plot`."""

from datetime import datetime
from pathlib import Path
from typing import Any

from slipway.errors import InputError
from slipway.models.extras import need
from slipway.monitoring.accuracy.summary import Summary

_FORMATS = (".pdf", ".png", ".svg")
# Okabe and Ito's palette, which is safe for colour-blind readers and in print.
_ESTIMATED, _LABELLED, _LINE = "#0072B2", "#E69F00", "#555555"


def plot_accuracy(found: Summary, path: Path, *, title: str) -> None:
    """Plot the hours: the estimate with its interval, the share of right answers, and what accuracy may fall to.

    Raises:
        InputError: there is nothing to plot, or the file cannot be written, or its format is unknown.
        MissingExtraError: matplotlib is not installed.
    """
    if path.suffix.lower() not in _FORMATS:
        raise InputError.of("--plot", f"{path} must end in one of {', '.join(_FORMATS)}")
    if not found.hours:
        raise InputError.of("--plot", "the window has no captures and no labels")
    figure = need("matplotlib.figure", "plot").Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.add_subplot()
    _draw(axes, found)
    axes.set(title=title, ylabel="accuracy", xlabel="hour, UTC")
    axes.legend(frameon=False)
    figure.autofmt_xdate()
    try:
        figure.savefig(path)
    except OSError as error:
        raise InputError.of("--plot", f"{path} cannot be written: {error.strerror or error}") from error


def _draw(axes: Any, found: Summary) -> None:
    scored = [(datetime.fromisoformat(part.name), part.estimated) for part in found.hours if part.estimated]
    if scored:
        hours, estimates = [hour for hour, _ in scored], [each for _, each in scored]
        axes.fill_between(
            hours, [each.low for each in estimates], [each.high for each in estimates], color=_ESTIMATED, alpha=0.2
        )
        axes.plot(hours, [each.value for each in estimates], color=_ESTIMATED, label="estimated, with 95 %")
    known = [
        (datetime.fromisoformat(part.name), part.labelled)
        for part in found.hours
        if part.labelled is not None and part.labelled.metric == "accuracy"
    ]
    if known:
        sizes = [8 + 40 * min(each.labels / 100, 1) for _, each in known]
        axes.scatter(
            [hour for hour, _ in known], [each.value for _, each in known], sizes, color=_LABELLED, label="from labels"
        )
    if found.reference is not None:
        axes.axhline(found.reference, color=_LINE, linewidth=1, label="on validation records")
    if found.least is not None:
        axes.axhline(found.least, color=_LINE, linewidth=1, linestyle=":", label="may fall to")
