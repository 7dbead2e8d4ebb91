"""Plot the columns of a window beside what they are compared with; needs the extra `plot`."""

from pathlib import Path
from typing import Any

from slipway.cli.monitor.drift.report import Compared
from slipway.errors import InputError
from slipway.models.advice.plot import check_format
from slipway.models.extras import need
from slipway.monitoring.drift.findings import ColumnDrift

# Okabe and Ito's palette, which colour-blind readers can tell apart.
_BEFORE, _NOW = "#56B4E9", "#D55E00"
_COLUMNS, _ROWS = 2, 3
_CELLS = 16
_LETTERS = 17


def plot_drift(compared: Compared, path: Path) -> None:
    """Plot the six columns with the largest effect, as the shares of their cells before and now.

    Raises:
        InputError: the file cannot be written, its format is unknown, or there is no column.
        MissingExtraError: matplotlib is not installed.
    """
    check_format(path)
    shown = [line.drift for line in compared.lines[: _COLUMNS * _ROWS]]
    if not shown:
        raise InputError.of("--plot", "there is no column to plot")
    rows = -(-len(shown) // _COLUMNS)
    figure = need("matplotlib.figure", "plot").Figure(figsize=(10, 0.8 + 2.6 * rows), layout="constrained")
    for place, column in enumerate(shown, 1):
        _draw(figure.add_subplot(rows, _COLUMNS, place), column)
    figure.suptitle(f"{compared.model} version {compared.version}, {compared.window} ({compared.records:,} records)")
    handles, _ = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, [compared.against, "now"], loc="outside lower center", ncols=2, frameon=False)
    try:
        figure.savefig(path, dpi=144)
    except OSError as error:
        raise InputError.of("--plot", f"{path}: {error.strerror or error}") from error


def _draw(axes: Any, column: ColumnDrift) -> None:
    cells = _shown(column)
    places = range(len(cells))
    for offset, shares, colour in ((-0.2, column.expected, _BEFORE), (0.2, column.found, _NOW)):
        heights = [100 * shares[cell] for cell in cells]
        axes.bar([place + offset for place in places], heights, width=0.4, color=colour, label=str(offset))
    names = [column.cells[cell] for cell in cells]
    short = [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…" for name in names]
    axes.set_xticks(list(places), short, rotation=45, ha="right", fontsize=7)
    axes.set_ylabel("% of records" if column.kind != "pieces" else "% of pieces", fontsize=8)
    axes.set_title(f"{column.column}   effect {column.effect:.3f}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _shown(column: ColumnDrift) -> list[int]:
    """The cells to draw, in their order: those that hold anything, or the ones that have moved most."""
    held = [cell for cell in range(len(column.cells)) if column.expected[cell] or column.found[cell]]
    moved = sorted(held, key=lambda cell: -abs(column.found[cell] - column.expected[cell]))
    return sorted(moved[:_CELLS])
