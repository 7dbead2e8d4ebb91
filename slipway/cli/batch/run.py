"""`slipway batch run`: on this machine, or as a job in the account."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from slipway.batch.account.places import Place, is_address
from slipway.batch.account.runs import Run, job_of
from slipway.batch.features import FeaturesFrom
from slipway.batch.local import LocalJob
from slipway.batch.parts import OutputFormat
from slipway.cli.batch.local import run_here
from slipway.cli.batch.row_options import (
    FeaturesOption,
    HistoryFolderOption,
    PrecomputeOption,
    SampleOption,
    TimeColumnOption,
    TtlOption,
    asked_extras,
    deployment_of,
    stores_of,
)
from slipway.cli.batch.starting import begin_job
from slipway.cli.batch.target import BatchTarget, find_jobs
from slipway.cli.batch.watching import follow
from slipway.cli.model.local_packages import Project
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.project import chosen_environment
from slipway.errors import InputError

VersionOption = Annotated[
    str | None,
    typer.Option(
        help="A version, or with --local the folder of one. Default: the one that serves; on this machine, `stable` of"
        " slipway.yaml unless --features or --precompute needs the deployment."
    ),
]


def run(
    model: Annotated[str, typer.Argument(help="The model, e.g. flight-delay.")],
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="A CSV, TSV, JSON Lines or Parquet file, a folder of them, or s3://BUCKET/PREFIX."
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", help="A folder here, or s3://BUCKET/PREFIX/. Default: a place in the bucket of jobs."
        ),
    ] = None,
    *,
    local: Annotated[bool, typer.Option("--local", help="Score on this machine, as with a folder as output.")] = False,
    version: VersionOption = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes on this machine. Default: one for each processor.")
    ] = None,
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
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the end of a job in the account.")] = False,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Score every row of a file or folder, here or in the account; run again, it scores what is missing."""
    extras = asked_extras(features=features, time_column=time_column, precompute=precompute, ttl=ttl, sample=sample)
    if local or _is_local(source, output):
        project = Project(config, model)
        extras.check(project.settings, model)
        deployed = deployment_of(project.settings, extras, history)
        package = project.package(
            version or str(deployed.stable(project.settings, model) if deployed else project.model.stable)
        )
        settled = extras.settled(project.settings, package.manifest)
        asked = LocalJob(
            package=package.folder,
            source=_here("INPUT", source),
            output=_here("--output", output),
            format=format_,
            batch_size=batch_size,
            task_modules=tuple(project.settings.light.task_modules),
            workers=workers or os.cpu_count() or 1,
            most_rejected=max_rejected,
            extras=settled,
            stores=stores_of(project.settings, settled, history, deployed),
        )
        run_here(asked, project.settings.drift_of(model), as_json=as_json)
        return
    if history is not None:
        raise InputError.of("--history", "is a folder of this machine; a job in an account reads the deployed bucket")
    asked_for = Run(
        model=model,
        source=source,
        output=_there(output),
        version=_number(version),
        format=format_,
        batch_size=batch_size,
        most_rejected=max_rejected,
        extras=extras,
    )
    _start(find_jobs(config), asked_for, detach=detach, as_json=as_json)


def _is_local(source: str, output: str | None) -> bool:
    """Whether both ends are on this machine, and no environment was asked for."""
    folder = output is not None and not is_address(output)
    return folder and not is_address(source) and chosen_environment() is None


def _here(what: str, path: str | None) -> Path:
    if path is None:
        raise InputError.of(what, "is required on this machine: name the folder that answers are written to")
    if is_address(path):
        raise InputError.of(what, f"{path} is in S3, which --local does not read or write")
    return Path(path)


def _there(output: str | None) -> str | None:
    if output is not None and not is_address(output):
        raise InputError.of(
            "--output", f"a job in an account writes to S3, and {output!r} is no address: s3://BUCKET/PREFIX/"
        )
    return None if output is None else str(Place.parse(output, field="--output"))


def _number(version: str | None) -> int | None:
    if version is not None and not version.isdecimal():
        raise InputError.of("--version", f"must be a number in an account, and is {version!r}")
    return None if version is None else int(version)


def _start(target: BatchTarget, asked: Run, *, detach: bool, as_json: bool) -> None:
    """Start a job, and follow it unless it is detached."""
    started = begin_job(target, asked, datetime.now(UTC))
    job = job_of(started.execution.name)
    if detach and as_json:
        print_json({"job": job, "status": started.execution.status})
    elif detach:
        console = Console()
        console.print(f"{job} runs in {target.place}; its output comes to {escape(target.jobs.output(started))}")
        console.print(f"`slipway batch status {job}` shows how far it is", highlight=False)
    else:
        follow(target, started, as_json=as_json)
