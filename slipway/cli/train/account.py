"""`slipway train start`, `status`, `watch`, `history`, `logs`, `approve` and `reject` in the account."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from slipway.cli.exits import Exit
from slipway.cli.model.local_packages import Project
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.train.orders import answer_run, begin_run
from slipway.cli.train.report import run_view, runs_table
from slipway.cli.train.target import find_training
from slipway.errors import InputError
from slipway.training.account.executions import Answer
from slipway.training.account.progress import Phase, Progress

Model = Annotated[str, typer.Argument(help="The model, e.g. flight-delay.")]
RunName = Annotated[str | None, typer.Option("--run", help="The run. Default: the newest.")]
By = Annotated[str | None, typer.Option(help="Who does this. Default: the identity of the AWS credentials.")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Reason, for the run's record.")]
Every = Annotated[float, typer.Option(help="Seconds between updates.", min=0.5)]

_SUCCESSES = frozenset({Phase.RELEASED, Phase.REGISTERED, Phase.DECLINED})


def start_there(model: str, config: Path, *, resume: bool, reason: str, by: str | None, as_json: bool = False) -> None:
    """Start a run in the account, or go on with the newest one if it failed.

    Raises:
        ConflictError: a run of the model is active, or there is none to go on with.
    """
    target = find_training(config, model)
    by = by or target.caller()
    run = begin_run(target, model, resume=resume, by=by, reason=reason, git_commit=Project(config, model).commit())
    if as_json:
        print_json({"model": model, "run": run, "resumed": resume})
        return
    done = "goes on" if resume else "has started"
    Console().print(f"Run [bold]{run}[/] {done}; `slipway train watch {model}` shows its progress.", soft_wrap=True)


def status(
    model: Annotated[str | None, typer.Argument(help="The model. Default: every model that is trained.")] = None,
    *,
    run: RunName = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Show the newest run of a model, or another one."""
    if run is not None and model is None:
        raise InputError.of("--run", "needs the MODEL of the run")
    target = find_training(config, model)
    if model is not None:
        found = [target.run(model, run)]
    else:
        newest = (next(iter(target.runs.past(each)), None) for each in target.config.trained_models)
        found = [each for each in newest if each is not None]
    if as_json:
        print_json([_document(each) for each in found])
        return
    console = Console()
    for each in found:
        console.print(run_view(each, dead=target.is_dead(each)))
    if not found:
        console.print("There are no training runs yet.")


def watch(model: Model, *, run: RunName = None, every: Every = 2.0, config: ConfigFile = Path("slipway.yaml")) -> None:
    """Follow a run until it ends; the exit code is 1 if it did not end well."""
    target = find_training(config, model)
    progress = target.run(model, run)
    with Live(run_view(progress), console=Console(), auto_refresh=False) as live:
        while True:
            progress = target.runs.get(model, progress.run.id)
            dead = target.is_dead(progress)
            live.update(run_view(progress, dead=dead), refresh=True)
            if progress.phase.ended or dead:
                break
            time.sleep(every)
    if progress.phase not in _SUCCESSES:
        raise typer.Exit(Exit.REFUSED)


def history(model: Model, *, config: ConfigFile = Path("slipway.yaml"), as_json: AsJson = False) -> None:
    """Show all runs of a model, newest first."""
    runs = find_training(config, model).runs.past(model)
    if as_json:
        print_json([_document(each) for each in runs])
        return
    Console().print(runs_table(runs) if runs else f"There are no training runs of {model} yet.")


def logs(model: Model, *, run: RunName = None, config: ConfigFile = Path("slipway.yaml")) -> None:
    """Print what the steps and the training task of a run have logged, oldest first."""
    from slipway.aws.log_lines import read_lines

    target = find_training(config, model)
    progress = target.run(model, run)
    until = progress.changed_at if progress.phase.ended else None
    lines = read_lines(target.log_groups, target.options, since=progress.run.started_at, until=until)
    for line in lines:
        typer.echo(f"{line.at:%H:%M:%S} {line.text.rstrip()}")


def approve(model: Model, *, reason: Reason = "", by: By = None, config: ConfigFile = Path("slipway.yaml")) -> None:
    """Let the version that waits for approval be released."""
    _answer(model, reason=reason, by=by, config=config, approved=True)


def reject(model: Model, *, reason: Reason = "", by: By = None, config: ConfigFile = Path("slipway.yaml")) -> None:
    """Do not release the version that waits for approval; it stays in the registry."""
    _answer(model, reason=reason, by=by, config=config, approved=False)


def _answer(model: str, *, reason: str, by: str | None, config: Path, approved: bool) -> None:
    target = find_training(config, model)
    version = answer_run(target, model, Answer(approved, by or target.caller(), reason))
    done = "approved; its release starts" if approved else "rejected; it stays in the registry"
    Console().print(f"Version {version} of {model} is {done}.")


def _document(progress: Progress) -> dict[str, object]:
    document: dict[str, object] = json.loads(progress.model_dump_json())
    return document | {"what": progress.what}
