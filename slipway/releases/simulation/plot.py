"""Plot when the runs of a simulation were decided; needs the extra `plot`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.config.releases.options import AbTest, Bandit, Interleave, Options, Shadow
from slipway.errors import InputError
from slipway.models.advice.plot import check_format
from slipway.models.extras import need
from slipway.releases.record.phases import Phase
from slipway.releases.simulation.runs import Run

# Okabe and Ito's palette, which colour-blind readers can tell apart.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442")
_STYLES = ("-", "--", ":", "-.")
_MINUTES = {minutes: f"{minutes} min" for minutes in (1, 2, 5, 10, 30)}
_HOURS = {60 * hours: f"{hours} h" for hours in (1, 2, 4, 8)}
_DAYS = {1440 * days: f"{days} d" for days in (2, 4, 7, 14, 28)}
_TIMES = {**_MINUTES, **_HOURS, 1440: "24 h", **_DAYS}
_FIRST, _BEYOND = 0.8, 1.15


def plot_decisions(runs: Mapping[str, Sequence[Run]], options: Options, path: Path, *, title: str) -> None:
    """Plot the share of each scenario's runs that were decided by each minute.

    A run is decided when it is rolled back; an experiment, when it ends; a shadow, when it is found worse.

    Raises:
        InputError: the file cannot be written, or its extension is unknown.
        MissingExtraError: matplotlib is not installed.
    """
    check_format(path)
    figure = need("matplotlib.figure", "plot").Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.add_subplot()
    said, minute_of = _decided(options)
    for index, (name, each) in enumerate(runs.items()):
        minutes = sorted(minute for run in each if (minute := minute_of(run)) is not None)
        shares = [number / len(each) for number in range(1, len(minutes) + 1)]
        last = max(run.minutes for run in each)
        colour, style = _COLOURS[index % len(_COLOURS)], _STYLES[index // len(_COLOURS) % len(_STYLES)]
        reached = shares[-1] if shares else 0.0
        axes.step([_FIRST, *minutes, last], [0, *shares, reached], style, where="post", label=name, color=colour)
    axes.set(xscale="log", ylim=(-0.02, 1.02), title=title)
    axes.set(xlabel="time from the candidate's first traffic", ylabel=f"share of the runs {said}")
    _mark(axes, max(run.minutes for each in runs.values() for run in each))
    axes.grid(visible=True, which="major", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    try:
        figure.savefig(path, dpi=144)
    except OSError as error:
        raise InputError.of("--plot", f"{path}: {error.strerror or error}") from error


def _mark(axes: Any, last: float) -> None:
    """Label times as people say them, and shares in per cent."""
    marks = {minutes: label for minutes, label in _TIMES.items() if minutes <= last * _BEYOND}
    axes.set_xticks(list(marks), list(marks.values()))
    axes.set_xticks([], minor=True)
    axes.set_xlim(_FIRST, last * _BEYOND)
    axes.set_yticks([share / 100 for share in range(0, 101, 20)], [f"{share} %" for share in range(0, 101, 20)])


def _decided(options: Options) -> tuple[str, Callable[[Run], float | None]]:
    """A description of a decided run, and a function that returns the minute of its decision."""
    if isinstance(options, Shadow):
        return "in which the shadow was found worse", lambda run: run.suspected
    if isinstance(options, AbTest | Bandit | Interleave):
        return "that have ended", lambda run: run.minutes if run.verdict else None
    return "rolled back", lambda run: run.minutes if run.record.phase is Phase.ROLLED_BACK else None
