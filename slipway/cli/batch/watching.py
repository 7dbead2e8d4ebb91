"""Follow a job in the account to its end, and report what has come of it."""

import time
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from slipway.batch.account.executions import ABORTED, RUNNING, SUCCEEDED, Described, Shards
from slipway.batch.account.places import Place
from slipway.batch.account.runs import job_of
from slipway.batch.job import PROFILE, REJECTED, SUCCESS
from slipway.cli.batch.target import BatchTarget
from slipway.cli.options import print_json
from slipway.errors import CheckFailedError, ConflictError
from slipway.wording import counted

_POLL_SECONDS = 1.0
_COUNTS = ("rows", "scored", "rejected", "precomputed", "sampled", "parts")


def follow(target: BatchTarget, started: Described, *, as_json: bool) -> None:
    """Wait for the end of a job.

    Raises:
        CheckFailedError: it failed; the message says why.
        ConflictError: somebody has stopped it.
    """
    console = Console(stderr=True)
    job = job_of(started.execution.name)
    console.print(f"{job} runs in {target.place}; Ctrl-C leaves it running", highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    found, shards = started, Shards()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("shards", total=None)
        while found.execution.status == RUNNING:
            time.sleep(_POLL_SECONDS)
            found = target.jobs.executions.describe(found.execution.arn)
            shards = target.jobs.executions.shards(found.execution.arn)
            bar.update(task, total=shards.total or None, completed=shards.succeeded + shards.failed)
    _report(target, found, shards, as_json=as_json)


def _report(target: BatchTarget, found: Described, shards: Shards, *, as_json: bool) -> None:
    if as_json:
        print_json(document_of(target, found, shards))
    job, status = job_of(found.execution.name), found.execution.status
    if status == ABORTED:
        raise ConflictError(f"{job} was stopped; `slipway batch rerun {job}` goes on with it")
    if status != SUCCEEDED:
        raise CheckFailedError(f"{job} failed: {found.reason or status}")
    if not as_json:
        _print(target.jobs.output(found), found.output)


def _print(output: str, counts: Any) -> None:
    console, place = Console(), escape(output)
    said = f"{counted(counts['scored'], 'row')} scored, {counts['rejected']:,} rejected"
    console.print(f"{said}; {counted(counts['parts'], 'part')} in {place}", highlight=False, soft_wrap=True)
    if counts.get("precomputed"):
        console.print(f"{counted(counts['precomputed'], 'answer')} precomputed", highlight=False)
    if counts.get("sampled"):
        profiled = f"{counted(counts['sampled'], 'row')} profiled in {place}{PROFILE}"
        console.print(profiled, highlight=False, soft_wrap=True)
    if counts["rejected"]:
        console.print(f"{place}{REJECTED}/ says of each rejected row what is wrong", highlight=False, soft_wrap=True)


def document_of(target: BatchTarget, found: Described, shards: Shards) -> dict[str, Any]:
    """A job as JSON."""
    execution = found.execution
    output = Place.parse(target.jobs.output(found))
    return {
        "job": job_of(execution.name),
        "model": found.run.model,
        "version": found.run.version,
        "status": execution.status,
        "started": execution.started.isoformat(),
        "stopped": execution.stopped.isoformat() if execution.stopped else None,
        "input": found.run.source,
        "output": str(output),
        "success": f"{output}{SUCCESS}" if execution.status == SUCCEEDED else None,
        "shards": {
            "total": shards.total,
            "succeeded": shards.succeeded,
            "failed": shards.failed,
            "running": shards.running,
        },
        **{name: found.output.get(name) for name in _COUNTS},
        "reason": found.reason,
    }
