"""A plot of a plan: requests asked for and answered, over a step and over a day; needs the extra `plot`."""

from pathlib import Path
from typing import Any

from slipway.errors import InputError
from slipway.models.advice.plot import check_format
from slipway.models.extras import need
from slipway.scale.plan import Plan, Scenario

_HOUR = 3600.0
_SHOWN_BEFORE, _SHOWN_SECONDS = 30.0, 600.0
# Okabe and Ito's palette, which is safe for colour-blind readers and in print.
_ASKED, _NOW, _THEN = "#000000", "#D55E00", "#0072B2"


def plot_plan(plan: Plan, path: Path) -> None:
    """Plot what is asked for, and what is answered as it is and with the quotas that the plan asks for.

    Raises:
        InputError: the file cannot be written, or its format is unknown.
        MissingExtraError: matplotlib is not installed.
    """
    check_format(path)
    figure = need("matplotlib.figure", "plot").Figure(figsize=(11, 4.5), layout="constrained")
    at_once, by_day = figure.subplots(1, 2)
    _draw(at_once, plan.scenarios["step"], 1.0, "seconds after the step", since=-_SHOWN_BEFORE, until=_SHOWN_SECONDS)
    _draw(by_day, plan.scenarios["day"], _HOUR, "hours", since=0.0, until=24.0)
    at_once.set_title("all at once")
    by_day.set_title("over a day")
    at_once.set_ylabel("requests a second")
    figure.suptitle(f"{plan.work.rps:,g} requests/s to the {plan.work.tier} tier")
    handles, labels = at_once.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    try:
        figure.savefig(path, dpi=144)
    except OSError as error:
        raise InputError.of("--plot", f"{path}: {error.strerror or error}") from error


def _draw(axes: Any, scenario: Scenario, unit: float, label: str, *, since: float, until: float) -> None:
    times = scenario.traffic.times / unit
    shown = (times >= since) & (times <= until)
    for name, values, colour, style in (
        ("asked for", scenario.traffic.rate, _ASKED, ":"),
        ("answered as it is", scenario.now.served, _NOW, "-"),
        ("answered with the quotas asked for", scenario.then.served, _THEN, "-"),
    ):
        axes.plot(times[shown], values[shown], color=colour, linestyle=style, label=name)
    axes.set(xlabel=label, ylim=(0, None))
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.grid(visible=True, alpha=0.3)
