"""Batch jobs on this machine."""

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from slipway.batch.folders import InputFolder
from slipway.batch.job import PROFILE, REJECTED, Summary
from slipway.batch.listeners.drifting import moved_columns
from slipway.batch.local import LocalJob, Progress, run
from slipway.batch.steps import optional_inputs
from slipway.cli.options import print_json
from slipway.cli.tables import new_table
from slipway.config.drift import DriftConfig
from slipway.errors import InputError
from slipway.models.package import Package, load_package
from slipway.monitoring.profiles.profile import load_profile
from slipway.wording import counted

_MOVED = 5


def run_here(asked: LocalJob, drift: DriftConfig, *, as_json: bool) -> None:
    """Run a job on this machine, with a bar, and report what has come of it."""
    inputs = InputFolder(asked.source)
    inputs.files()
    _require_apart(asked.source, asked.output)
    _say_what_is_missing(inputs, asked)
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        summary = run(asked, _shown(bar, asked.source.name))
    report(summary, str(asked.output), as_json=as_json)
    if summary.sampled and not as_json:
        _say_what_moved(load_package(asked.package), asked.output, drift)


def _require_apart(source: Path, output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise InputError.of("--output", f"{output} is a file; name a folder")
    if source.is_dir() and output.resolve().is_relative_to(source.resolve()):
        raise InputError.of("--output", f"{output} is within the input, and would be scored the next time")


def _say_what_is_missing(inputs: InputFolder, asked: LocalJob) -> None:
    """Say which optional inputs no column gives: a mistyped name would go unseen otherwise."""
    console, package = Console(stderr=True), load_package(asked.package)
    for name, absent in optional_inputs(inputs, package.manifest, asked.needed(package)).items():
        text = f"{name} has no column {', '.join(absent)}: missing, or the default, in every row"
        console.print(f"[yellow]note:[/] {escape(text)}", soft_wrap=True, highlight=False)


def _say_what_moved(package: Package, output: Path, config: DriftConfig) -> None:
    """Say which columns of the sampled rows are far from the baseline."""
    file = output / PROFILE
    moved = moved_columns(load_profile(file.read_bytes(), str(file)), package, config)
    if moved:
        named = ", ".join(f"{each.column} ({each.effect:.2f})" for each in moved[:_MOVED])
        more = f" and {len(moved) - _MOVED} more" if len(moved) > _MOVED else ""
        text = f"far from the baseline: {named}{more}; slipway monitor drift --file shows how"
        Console().print(escape(text), highlight=False, soft_wrap=True)


def _shown(bar: Bar, name: str) -> Callable[[Progress], None]:
    task = bar.add_task(name, total=None, speed="")

    def watch(progress: Progress) -> None:
        elapsed = bar.tasks[0].elapsed or 0
        speed = f"{progress.done / elapsed:,.0f} rows/s" if progress.done and elapsed else ""
        bar.update(task, total=progress.rows, completed=progress.earlier + progress.done, speed=speed)

    return watch


def report(summary: Summary, output: str, *, as_json: bool) -> None:
    """Print what has come of a job whose output is at a path or an address."""
    if as_json:
        print_json(summary.model_dump(mode="json"))
        return
    console = Console()
    if summary.labels:
        table = new_table("label", "rows", "share", title=f"{summary.job.model} {summary.job.version}")
        for label, count in summary.labels.items():
            table.add_row(escape(label), f"{count:,}", f"{100 * count / max(summary.scored, 1):.1f} %")
        console.print(table)
    by = f"{summary.job.model} {summary.job.version}"
    said = f"{counted(summary.scored, 'row')} scored by {by}, {summary.rejected:,} rejected"
    console.print(f"{said}; {counted(summary.parts, 'part')} in {escape(output)}", highlight=False, soft_wrap=True)
    if summary.job.extras.precompute is not None:
        console.print(f"{counted(summary.precomputed, 'answer')} precomputed of {summary.job.extras.precompute}")
    if summary.sampled:
        named = escape(f"{output.rstrip('/')}/{PROFILE}")
        console.print(f"{counted(summary.sampled, 'row')} profiled in {named}", highlight=False, soft_wrap=True)
    if summary.rejected:
        console.print(
            f"{escape(output.rstrip('/'))}/{REJECTED} says of each rejected row what is wrong", highlight=False
        )
