"""Shows a profile as a table: for each column a picture of its cells, beside that of the baseline."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape

from slipway.cli.tables import plain_table
from slipway.monitoring.profiles.bins import Bins
from slipway.monitoring.profiles.tables import FileProfile
from slipway.wording import counted

_BARS = " ▁▂▃▄▅▆▇█"
_MOST_BARS = 16
_LEAST_SHARE = 0.0005


def print_profile(console: Console, name: str, made: FileProfile, bins: Sequence[Bins]) -> None:
    """Print the columns that the file has, and say what it lacks."""
    profile = made.profile
    records, of = counted(profile.records, "record"), f"{profile.model} {profile.version}"
    console.print(f"{escape(name)}: {records} over the bins of {of}", soft_wrap=True)
    table = plain_table("column", "baseline", "file", "missing", "outside")
    table.columns[0].no_wrap = True
    for each in bins:
        if (counts := profile.counts.get(each.column)) is not None:
            table.add_row(*_row(each, _shares(counts)))
    console.print(table)
    if made.absent:
        console.print(f"The file has no column for {', '.join(made.absent)}.", soft_wrap=True, markup=False)
    if made.refused:
        console.print(f"{counted(made.refused, 'record')} cannot be read, and are not counted.", soft_wrap=True)


def _row(bins: Bins, shares: Sequence[float]) -> Iterator[str]:
    """Outside are numbers beyond the baseline's least and greatest, and values that it does not name."""
    yield escape(bins.column.removeprefix("inputs."))
    highest = max((*bins.expected, *shares))
    for each in (bins.expected, shares):
        yield picture(each[:-1], highest)
    outside = {"numbers": shares[0] + shares[-2], "categories": shares[-2], "pieces": 0.0}
    yield _percent(shares[-1])
    yield _percent(outside[bins.kind])


def picture(shares: Sequence[float], highest: float) -> str:
    """One bar for each cell, or for each of a few neighbouring cells if there are many."""
    width = -(-len(shares) // _MOST_BARS)
    heights = [max(shares[at : at + width]) for at in range(0, len(shares), width)]
    return "".join(_bar(height / highest if highest else 0.0) for height in heights)


def _bar(height: float) -> str:
    """The lowest bar stands for anything above 0."""
    return _BARS[0] if height <= 0 else _BARS[max(1, round(height * (len(_BARS) - 1)))]


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts)
    return [count / whole if whole else 0.0 for count in counts]


def _percent(share: float) -> str:
    if not share:
        return ""
    return "< 0.1 %" if share < _LEAST_SHARE else f"{100 * share:.1f} %"
