"""How runs are shown."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from slipway.cli.tables import new_table
from slipway.training.account.progress import Phase, Progress

_COLOURS = {
    Phase.RELEASED: "green",
    Phase.REGISTERED: "green",
    Phase.REFUSED: "yellow",
    Phase.REJECTED: "yellow",
    Phase.FAILED: "red",
}


def run_view(progress: Progress, *, dead: bool = False) -> RenderableType:
    """A run: what it is, its steps and what the gates said."""
    run = progress.run
    facts = Table.grid(padding=(0, 2))
    facts.add_row("run", f"[bold]{escape(run.id)}[/] of {run.model}, {phase_text(progress)}")
    facts.add_row("started", f"{run.started_at:%Y-%m-%d %H:%M} UTC by {escape(run.by)} ({escape(str(run.trigger))})")
    if progress.data is not None:
        data = progress.data
        facts.add_row(
            "data", f"{data.rows:,} labels from {data.since:%Y-%m-%d %H:%M} to {data.until:%Y-%m-%d %H:%M} UTC"
        )
    if progress.version is not None:
        facts.add_row("version", str(progress.version))
    if progress.release is not None:
        facts.add_row("release", escape(progress.release))
    if dead:
        facts.add_row("[red]stopped[/]", f"nothing works on it; `slipway train start {run.model} --resume` goes on")
    gates = [f"  {escape(each)}" for each in progress.gates]
    return Group(facts, _steps(progress), *(["gates", *gates] if gates else []))


def runs_table(runs: Sequence[Progress]) -> Table:
    """Past runs of a model, one a line."""
    table = new_table("run", "started", "by", "phase", "rows", "version", "what")
    for each in runs:
        rows = f"{each.data.rows:,}" if each.data else ""
        table.add_row(
            escape(each.run.id),
            f"{each.run.started_at:%Y-%m-%d %H:%M}",
            escape(each.run.trigger.kind),
            phase_text(each),
            rows,
            str(each.version or ""),
            escape(each.what),
        )
    return table


def phase_text(progress: Progress) -> str:
    """The phase in its colour."""
    colour = _COLOURS.get(progress.phase)
    return f"[{colour}]{progress.phase}[/]" if colour else str(progress.phase)


def _steps(progress: Progress) -> Table:
    table = new_table("at", "phase", "what")
    for entry in progress.history:
        table.add_row(f"{entry.at:%H:%M:%S}", entry.phase.value, escape(entry.what))
    return table
