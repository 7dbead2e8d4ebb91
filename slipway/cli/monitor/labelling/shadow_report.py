"""Print how a person who labelled in the shadow compares with the model."""

from pathlib import Path

from rich.console import Console

from slipway.cli.tables import plain_table
from slipway.monitoring.accuracy.human import Comparison
from slipway.statistics.intervals import Interval
from slipway.wording import counted


def print_comparison(console: Console, found: Comparison, path: Path) -> None:
    """Print agreement and, of records whose true answer is known, how often each is right."""
    if not found.answers:
        console.print("Nothing was answered yet.")
        return
    table = plain_table("the human, as one more version", "", "95 %, any time")
    table.add_row(f"agrees with the model on {counted(found.answers, 'record')}", *_figures(found.agreement))
    if found.human is not None and found.model is not None and found.difference is not None:
        known = counted(found.labelled, "record")
        table.add_row(f"the human is right, of {known} with a true answer", *_figures(found.human))
        table.add_row("the model is right, of the same", *_figures(found.model))
        table.add_row("the human less the model", *_figures(found.difference, sign="+"))
    console.print(table)
    if found.human is None:
        console.print("None of these records has a true answer yet; run this again with --number 0 once some have.")
    console.print(f"The answers are in {path}.", markup=False, highlight=False)


def _figures(interval: Interval, *, sign: str = "") -> tuple[str, str]:
    return f"{interval.value:{sign}.3f}", f"{interval.low:{sign}.3f} to {interval.high:{sign}.3f}"
