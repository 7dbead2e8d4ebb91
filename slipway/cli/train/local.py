"""`slipway train start --local`: a whole run in this process, on the labels of a file."""

import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from slipway.cli.exits import Exit
from slipway.cli.model.gate_report import check_document, print_check
from slipway.cli.model.local_packages import Project
from slipway.cli.options import print_json
from slipway.config.training import TrainingConfig
from slipway.errors import InputError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.files import HistoryFolder
from slipway.models.manifest import Manifest
from slipway.training.as_of import WithHistory
from slipway.training.decision import Declined
from slipway.training.file_examples import FileExamples
from slipway.training.local import LocalDataSets, LocalVersions, Settings, Trained, run_all
from slipway.training.ports import Examples, Ports
from slipway.training.run import Run, Trigger, new_run

WORK = Path("build/training")
"""Where data sets, drafts and training state of local runs lie, beside slipway.yaml."""


@dataclass(frozen=True, slots=True)
class LocalStart:
    """What was asked for; `slipway.cli.train.app.start` says what each is."""

    data: Path
    until: datetime | None = None
    history: Path | None = None
    entities: tuple[str, ...] = ()
    version: int | None = None
    min_new_labels: int | None = None
    run: str | None = None


def start_here(model: str, asked: LocalStart, config: Path, *, as_json: bool) -> None:
    """Take all steps of a run, and print them; a package that does not pass is exit code 1.

    Raises:
        InputError: the model has no `training`, or the data or the recipe cannot be used.
        NotFoundError: there is no such model or version.
    """
    project, console = Project(config, model), Console(stderr=as_json)
    training = _training(project, model)
    serving = project.package(str(asked.version or project.model.stable))
    file = FileExamples(asked.data, serving.manifest, _entities(asked))
    run = _run(
        model,
        training,
        asked,
        commit=project.commit(),
        serving=serving.manifest.version,
        newest=file.newest,
    )
    work = config.parent / WORK / model
    ports = Ports(
        examples=_with_history(file, asked, project, serving.manifest),
        data=LocalDataSets(work),
        versions=LocalVersions(project.folder, work),
    )
    settings = Settings(
        folder=work / "runs" / run.id,
        root=config.parent,
        gates=training.gates,
        own=project.model.gates,
        task_modules=tuple(project.settings.light.task_modules),
    )
    done = run_all(ports, run, settings, lambda text: console.print(escape(text), highlight=False, soft_wrap=True))
    _report(run, done, project.folder, as_json=as_json)
    if isinstance(done, Trained) and done.version is None:
        raise typer.Exit(Exit.REFUSED)


def _training(project: Project, model: str) -> TrainingConfig:
    training = project.model.training
    if training is None:
        raise InputError.of(f"models.{model}.training", "is not set in slipway.yaml; docs/training.md says how to")
    return training


def _run(
    model: str, training: TrainingConfig, asked: LocalStart, *, commit: str | None, serving: int, newest: datetime
) -> Run:
    now = asked.until.replace(tzinfo=UTC) if asked.until else newest + timedelta(milliseconds=1)
    identifier = asked.run or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    reason = f"with the labels of {asked.data.name}"
    run = new_run(
        model,
        training,
        id=identifier,
        trigger=Trigger(kind="hand", reason=reason),
        parent=serving,
        now=now,
        by=getuser(),
        git_commit=commit,
    )
    changes = {"min_new_labels": asked.min_new_labels} if asked.min_new_labels else {}
    return run.model_copy(update={"features": "history" if asked.history else "served", **changes})


def _entities(asked: LocalStart) -> dict[str, str]:
    if asked.history is None:
        if asked.entities:
            raise InputError.of("--entity", "needs --history")
        return {}
    pairs = [pair.partition("=") for pair in asked.entities]
    if not pairs or not all(entity and column for entity, _, column in pairs):
        raise InputError.of("--entity", "--history needs --entity ENTITY=COLUMN, e.g. airport=origin")
    return {entity: column for entity, _, column in pairs}


def _with_history(file: FileExamples, asked: LocalStart, project: Project, manifest: Manifest) -> Examples:
    if asked.history is None:
        return file
    return WithHistory(file, HistoryFolder(asked.history), FeatureDefinitions(project.settings.features), manifest)


def _report(run: Run, done: Trained | Declined, folder: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(_document(run, done))
        return
    console = Console()
    if isinstance(done, Declined):
        console.print(f"Nothing was trained: {escape(done.reason)}.", highlight=False, soft_wrap=True)
        return
    print_check(console, f"{run.model}, run {run.id},", done.check)
    if done.version is None:
        console.print(f"[red]Not registered.[/] Its package is in {escape(str(done.package.folder))}.", soft_wrap=True)
        return
    written = escape(str(folder / str(done.version)))
    console.print(f"Version [bold]{done.version}[/] of {run.model} is in {written}.", soft_wrap=True)
    console.print(f"`slipway model register {run.model} {done.version}` registers it.", highlight=False, soft_wrap=True)


def _document(run: Run, done: Trained | Declined) -> dict[str, object]:
    document: dict[str, object] = {"run": run.model_dump(mode="json")}
    if isinstance(done, Declined):
        return document | {"outcome": "declined", "reason": done.reason}
    data = {name: value for name, value in asdict(done.data).items() if name != "path"}
    outcome = "registered" if done.version is not None else "refused"
    return document | {
        "outcome": outcome,
        "version": done.version,
        "data": {name: value.isoformat() if isinstance(value, datetime) else value for name, value in data.items()},
        "check": check_document(done.check),
        "package": str(done.package.folder),
    }
