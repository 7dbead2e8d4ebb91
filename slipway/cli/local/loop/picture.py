"""The picture of the loop: accuracy month by month, never retrained and in the loop; needs the extra `plot`."""

from pathlib import Path
from typing import Any

from slipway.cli.local.loop.months import Ledger
from slipway.models.extras import need

# Okabe and Ito's palette, which colour-blind readers can tell apart.
_LOOP, _NEVER, _MARK, _POISONED = "#0072B2", "#D55E00", "#555555", "#F0E442"
# Marks that are closer than this, in months, stand below each other, in parts of the picture's height.
_APART, _STEP = 0.15, 0.14


def draw(ledger: Ledger, path: Path) -> None:
    """Draw the months, with a line where something happened; raises MissingExtraError."""
    figure = need("matplotlib.figure", "plot").Figure(figsize=(10, 5.5), layout="constrained")
    axes = figure.add_subplot()
    months = sorted(ledger.months.values(), key=lambda month: month.number)
    numbers = [month.number + 0.5 for month in months]
    axes.plot(numbers, [month.accuracy_first for month in months], "o--", color=_NEVER, label="never retrained")
    axes.plot(numbers, [month.accuracy for month in months], "o-", color=_LOOP, label="the loop")
    for month in months:
        if month.poisoned:
            axes.axvspan(month.number, month.number + 1, color=_POISONED, alpha=0.3, label="poisoned labels")
    _marks(axes, ledger)
    axes.set_xticks(numbers, [month.name[:3] for month in months])
    axes.set(title="Flights answered rightly, month by month", ylabel="accuracy")
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    axes.legend(named.values(), named.keys(), frameon=False, loc="lower left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _marks(axes: Any, ledger: Ledger) -> None:
    level, before = 0, -_APART
    for mark in sorted(ledger.marks, key=lambda mark: mark.month):
        level, before = (level + 1 if mark.month - before < _APART else 0), mark.month
        axes.axvline(mark.month, color=_MARK, linewidth=0.8, linestyle=":")
        axes.annotate(
            mark.what,
            (mark.month, 1 - _STEP * level),
            xycoords=("data", "axes fraction"),
            rotation=90,
            ha="right",
            va="top",
            fontsize=7,
            color=_MARK,
        )
