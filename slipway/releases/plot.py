"""When the runs of a simulation were decided, as a picture; needs the extra `plot`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from slipway.errors import InputError
from slipway.models.advice.plot import check_format
from slipway.models.extras import need
from slipway.releases.phases import Phase
from slipway.releases.simulation import Run

# Okabe and Ito's colours, which readers who do not see red and green apart can tell apart.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442")
_STYLES = ("-", "--", ":")


def plot_rollbacks(runs: Mapping[str, Sequence[Run]], path: Path, *, title: str) -> None:
    """Draw the share of the runs of each scenario that was rolled back by each minute.

    Raises:
        InputError: the file cannot be written, or its ending is not known.
        MissingExtraError: matplotlib is not installed.
    """
    check_format(path)
    figure = need("matplotlib.figure", "plot").Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.add_subplot()
    for index, (name, each) in enumerate(runs.items()):
        minutes = sorted(run.minutes for run in each if run.record.phase is Phase.ROLLED_BACK)
        shares = [number / len(each) for number in range(1, len(minutes) + 1)]
        last = max(run.minutes for run in each)
        colour, style = _COLOURS[index % len(_COLOURS)], _STYLES[index // len(_COLOURS) % len(_STYLES)]
        reached = shares[-1] if shares else 0.0
        axes.step([0.5, *minutes, last], [0, *shares, reached], style, where="post", label=name, color=colour)
    axes.set(xscale="log", ylim=(-0.02, 1.02), title=title)
    axes.set(xlabel="minutes from the candidate's first traffic", ylabel="share of the runs rolled back")
    axes.grid(visible=True, which="major", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    try:
        figure.savefig(path, dpi=144)
    except OSError as error:
        raise InputError.of("--plot", f"{path}: {error.strerror or error}") from error
