"""`slipway batch`: score files with a version of a model."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from slipway.batch.drifting import moved_columns
from slipway.batch.features import FeaturesFrom
from slipway.batch.folders import InputFolder
from slipway.batch.job import PROFILE, REJECTED, Summary
from slipway.batch.local import LocalJob, Progress, run
from slipway.batch.parts import OutputFormat
from slipway.batch.steps import optional_inputs
from slipway.cli.batch.row_options import (
    FeaturesOption,
    HistoryFolderOption,
    PrecomputeOption,
    SampleOption,
    TimeColumnOption,
    TtlOption,
    extras_of,
    stores_of,
)
from slipway.cli.model.local_packages import Project
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.tables import new_table
from slipway.config.drift import DriftConfig
from slipway.errors import InputError
from slipway.models.package import Package
from slipway.monitoring.profiles.profile import load_profile
from slipway.wording import counted

_MOVED = 5
app = typer.Typer(help="Score files with a version of a model.", no_args_is_help=True)


@app.callback()
def _batch() -> None:
    """Keep `run` a command of its own, beside those to come."""


@app.command("run")
def run_(
    model: Annotated[str, typer.Argument(help="The model, e.g. flight-delay.")],
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="A CSV, TSV, JSON Lines or Parquet file, or a folder of them.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder that the answers are written to.")],
    *,
    version: Annotated[
        str | None, typer.Option(help="A version, or the folder of one. Default: the stable one.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. Default: one for each processor.")] = None,
    format_: Annotated[OutputFormat, typer.Option("--format", help="How answers are written.")] = OutputFormat.PARQUET,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Records that the graph gets at once.")] = None,
    max_rejected: Annotated[
        float, typer.Option(min=0, max=1, help="The share of rows that may be wrong before the job fails.")
    ] = 0.01,
    features: FeaturesOption = FeaturesFrom.NONE,
    time_column: TimeColumnOption = None,
    history: HistoryFolderOption = None,
    precompute: PrecomputeOption = None,
    ttl: TtlOption = None,
    sample: SampleOption = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Score every row of a file or folder on this machine; run again, it scores what is missing."""
    project = Project(config, model)
    package = project.package(version or str(project.model.stable))
    inputs = InputFolder(source)
    inputs.files()
    _require_apart(source, output)
    extras = extras_of(
        project,
        package.manifest,
        features=features,
        time_column=time_column,
        precompute=precompute,
        ttl=ttl,
        sample=sample,
    )
    asked = LocalJob(
        package=package.folder,
        source=source,
        output=output,
        format=format_,
        batch_size=batch_size,
        task_modules=tuple(project.settings.light.task_modules),
        workers=workers or os.cpu_count() or 1,
        most_rejected=max_rejected,
        extras=extras,
        stores=stores_of(project.settings, extras, history),
    )
    _say_what_is_missing(inputs, package, asked)
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        summary = run(asked, _shown(bar, source.name))
    _report(summary, output, as_json=as_json)
    if summary.sampled and not as_json:
        _say_what_moved(package, output, project.settings.drift_of(model))


def _require_apart(source: Path, output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise InputError.of("--output", f"{output} is a file; name a folder")
    if source.is_dir() and output.resolve().is_relative_to(source.resolve()):
        raise InputError.of("--output", f"{output} is within the input, and would be scored the next time")


def _say_what_is_missing(inputs: InputFolder, package: Package, asked: LocalJob) -> None:
    """Say which optional inputs no column gives: a mistyped name would go unseen otherwise."""
    console = Console(stderr=True)
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
        console = Console()
        text = f"far from the baseline: {named}{more}; slipway monitor drift --file shows how"
        console.print(escape(text), highlight=False, soft_wrap=True)


def _shown(bar: Bar, name: str) -> Callable[[Progress], None]:
    task = bar.add_task(name, total=None, speed="")

    def watch(progress: Progress) -> None:
        elapsed = bar.tasks[0].elapsed or 0
        speed = f"{progress.done / elapsed:,.0f} rows/s" if progress.done and elapsed else ""
        bar.update(task, total=progress.rows, completed=progress.earlier + progress.done, speed=speed)

    return watch


def _report(summary: Summary, output: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(summary.model_dump(mode="json"))
        return
    console = Console()
    if summary.labels:
        table = new_table("label", "rows", "share", title=f"{summary.job.model} {summary.job.version}")
        for label, count in summary.labels.items():
            table.add_row(escape(label), f"{count:,}", f"{100 * count / max(summary.scored, 1):.1f} %")
        console.print(table)
    said = f"{counted(summary.scored, 'row')} scored, {summary.rejected:,} rejected"
    console.print(f"{said}; {counted(summary.parts, 'part')} in {escape(str(output))}", highlight=False, soft_wrap=True)
    if summary.job.extras.precompute is not None:
        console.print(f"{counted(summary.precomputed, 'answer')} precomputed of {summary.job.extras.precompute}")
    if summary.sampled:
        named = escape(str(output / PROFILE))
        console.print(f"{counted(summary.sampled, 'row')} profiled in {named}", highlight=False, soft_wrap=True)
    if summary.rejected:
        console.print(f"{escape(str(output / REJECTED))} says of each rejected row what is wrong", highlight=False)
