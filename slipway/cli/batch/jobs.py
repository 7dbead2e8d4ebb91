"""`slipway batch list`, `status`, `cancel` and `rerun`: the jobs of the account."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from slipway.batch.account.executions import SUCCEEDED, Described, Execution
from slipway.batch.account.runs import job_of, number_of
from slipway.cli.batch.target import find_jobs
from slipway.cli.batch.watching import document_of, follow
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.tables import plain_table
from slipway.wording import counted

JobName = Annotated[str, typer.Argument(metavar="JOB", help="The job, as `slipway batch list` names it.")]


def list_(
    *,
    most: Annotated[int, typer.Option("--most", min=1, help="How many jobs to list.")] = 20,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """List the latest jobs in the account, newest first."""
    target = find_jobs(config)
    found = target.jobs.recent(most)
    if as_json:
        print_json([_listed(each) for each in found])
        return
    console = Console()
    if not found:
        console.print(f"no batch jobs in {target.place}; `slipway batch run MODEL INPUT` starts one", highlight=False)
        return
    table = plain_table("job", "status", "runs", "started", "took")
    for each in found:
        status, runs = each.status.lower(), str(number_of(each.name))
        table.add_row(escape(job_of(each.name)), status, runs, f"{each.started:%Y-%m-%d %H:%M:%S}", _took(each))
    console.print(table)


def status(job: JobName, *, config: ConfigFile = Path("slipway.yaml"), as_json: AsJson = False) -> None:
    """Show how far a job is, or what has come of it."""
    target = find_jobs(config)
    found = target.jobs.find(job)
    shards = target.jobs.executions.shards(found.execution.arn)
    document = document_of(target, found, shards)
    if as_json:
        print_json(document)
        return
    console = Console()
    version = f" {found.run.version}" if found.run.version is not None else ""
    _line(console, "job", f"{job}: {found.execution.status.lower()}")
    _line(console, "model", f"{found.run.model}{version}")
    took = f", took {_took(found.execution)}" if found.execution.stopped else ""
    _line(console, "started", f"{found.execution.started:%Y-%m-%d %H:%M:%S %Z}{took}")
    if shards.total:
        _line(console, "shards", f"{shards.succeeded:,} of {shards.total:,} scored, {shards.failed:,} failed")
    _line(console, "input", str(document["input"]))
    _line(console, "output", str(document["output"]))
    _say_end(console, found)


def cancel(job: JobName, *, config: ConfigFile = Path("slipway.yaml"), as_json: AsJson = False) -> None:
    """Stop a job. Shards that are done stay, and `rerun` goes on from there."""
    target = find_jobs(config)
    found = target.jobs.cancel(job)
    if as_json:
        print_json({"job": job, "status": found.execution.status})
        return
    Console().print(f"{escape(job)} was stopped; `slipway batch rerun {escape(job)}` goes on with it", highlight=False)


def rerun(
    job: JobName,
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the end.")] = False,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Run a job again: it scores what is missing, and the result is that of an undisturbed run."""
    target = find_jobs(config)
    started = target.jobs.rerun(job)
    if not detach:
        follow(target, started, as_json=as_json)
    elif as_json:
        print_json({"job": job, "status": started.execution.status})
    else:
        Console().print(f"{escape(job)} runs again, for what is missing", highlight=False)


def _say_end(console: Console, found: Described) -> None:
    if found.execution.status == SUCCEEDED:
        counts = found.output
        said = f"{counted(counts['scored'], 'row')} scored, {counts['rejected']:,} rejected"
        more = [f"{counts[name]:,} {name}" for name in ("precomputed", "sampled") if counts.get(name)]
        _line(console, "result", ", ".join([said, *more]) + f", in {counted(counts['parts'], 'part')}")
    elif found.reason:
        _line(console, "reason", found.reason)


def _line(console: Console, name: str, text: str) -> None:
    console.print(f"{name:<9}{escape(text)}", highlight=False, soft_wrap=True)


def _listed(found: Execution) -> dict[str, object]:
    return {
        "job": job_of(found.name),
        "status": found.status,
        "runs": number_of(found.name),
        "started": found.started.isoformat(),
        "stopped": found.stopped.isoformat() if found.stopped else None,
    }


def _took(found: Execution) -> str:
    if found.stopped is None:
        return ""
    seconds = (found.stopped - found.started).total_seconds()
    return counted(round(seconds, 1), "second") if seconds < 120 else counted(round(seconds / 60, 1), "minute")
