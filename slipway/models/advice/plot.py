"""A plot of cost over traffic; needs the extra `plot`."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.errors import InputError
from slipway.models.advice.choice import Advice, Advisor
from slipway.models.advice.terms import OPTION_NAMES, OPTIONS, Offer, Option
from slipway.models.extras import need

_FORMATS = (".pdf", ".png", ".svg")
_POINTS = 400
_STEPS = 400
# Okabe and Ito's palette, which is safe for colour-blind readers and in print.
_COLOURS: dict[Option, str] = {"light": "#0072B2", "fargate": "#E69F00", "gpu": "#009E73"}


def check_format(path: Path) -> None:
    """Raise InputError unless the file's suffix names a supported image format."""
    if path.suffix.lower() not in _FORMATS:
        raise InputError.of("--plot", f"{path} must end in one of {', '.join(_FORMATS)}")


def plot_costs(advisor: Advisor, advice: Advice, path: Path, *, title: str) -> None:
    """Plot the monthly cost of each option over the advice's range of traffic, on logarithmic axes.

    Lines are dotted where an option misses the latency target; vertical lines mark where the cheapest option changes.

    Raises:
        InputError: the file cannot be written, or its format is unknown.
        MissingExtraError: matplotlib is not installed.
    """
    check_format(path)
    figure_module = need("matplotlib.figure", "plot")
    figure = figure_module.Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.add_subplot()
    _draw_costs(axes, advisor, advice)
    _draw_changes(axes, advice)
    axes.set(xscale="log", yscale="log", title=title, xlabel="requests a second", ylabel="dollars a month")
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_major_formatter("${x:,g}")
    axes.grid(visible=True, which="major", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    try:
        figure.savefig(path, dpi=144)
    except OSError as error:
        raise InputError.of("--plot", f"{path}: {error.strerror or error}") from error


def _rates(advisor: Advisor, advice: Advice) -> list[float]:
    """The rates to plot: evenly spaced on the axis, and both sides of each step while steps are distinguishable."""
    low, high = advice.stretches[0].low, advice.stretches[-1].high
    even = (low * (high / low) ** (index / _POINTS) for index in range(_POINTS + 1))
    steps = advisor.steps(advice.workload, low, high)[:_STEPS]
    return sorted({*even, *changes(advice), *steps, *(min(high, step * (1 + 1e-9)) for step in steps)})


def _draw_costs(axes: Any, advisor: Advisor, advice: Advice) -> None:
    rates = _rates(advisor, advice)
    curves: dict[Option, list[Offer]] = {}
    for rate in rates:
        for offer in advisor.offers(replace(advice.workload, rps=rate)):
            curves.setdefault(offer.option, []).append(offer)
    for option in OPTIONS:
        offers = [offer for offer in curves.get(option, []) if offer.possible]
        for meets in sorted({offer.meets for offer in offers}, reverse=True):
            costs = [offer.monthly if offer.meets is meets else math.nan for offer in offers]
            name = OPTION_NAMES[option] + ("" if meets else ", misses the target")
            axes.plot(rates, costs, "-" if meets else ":", color=_COLOURS[option], label=name, linewidth=2)


def _draw_changes(axes: Any, advice: Advice) -> None:
    for rate in changes(advice):
        axes.axvline(rate, color="0.5", linewidth=0.8, linestyle="--")
        axes.annotate(
            f"{rate:.3g}/s", (rate, 0.02), xycoords=("data", "axes fraction"), rotation=90, fontsize=8, ha="right"
        )
    taken = advice.taken
    if taken is not None:
        axes.plot([advice.workload.rps], [taken.monthly], "o", color="black", label=f"{advice.workload.rps:g}/s, taken")


def changes(advice: Advice) -> Iterator[float]:
    """The rates at which the cheapest option changes."""
    return (stretch.low for stretch in advice.stretches[1:])
