"""Training runs as `slipway train` shows them, and the answer of a person whom a run asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from slipway.cli.train.orders import open_question, run_before
from slipway.cli.train.target import TrainingTarget
from slipway.config.training import TrainingConfig
from slipway.console.workspace import Workspace
from slipway.errors import NotFoundError
from slipway.training.account.desk import training_of
from slipway.training.account.progress import Entry, Phase, Progress

MACHINE = "TrainingStateMachine"
"""The output of the stack of training; a project that trains nothing has none."""

_NAMED = "Your name and reason are in the run's record."


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run as pages show it; a ``dead`` one has not ended, and nothing works on it."""

    id: str
    model: str
    by: str
    trigger: str
    recipe: str
    started: datetime
    phase: Phase
    what: str
    rows: int | None
    gates: tuple[str, ...]
    version: int | None
    release: str | None
    steps: tuple[Entry, ...]
    dead: bool

    @property
    def ended(self) -> bool:
        """Whether nothing of it is to come: the next run can start."""
        return self.dead or self.phase.ended

    @property
    def can_resume(self) -> bool:
        """Whether it can go on: it failed, or nothing works on it."""
        return self.dead or self.phase is Phase.FAILED

    @property
    def waits(self) -> bool:
        """Whether a person has to approve its version."""
        return self.phase is Phase.WAITING and not self.dead


@dataclass(frozen=True, slots=True)
class Order:
    """What a person can make training do: the run that it is about, its name, and what will happen."""

    run: str
    name: str
    sentences: tuple[str, ...]
    danger: bool = False


def open_training(workspace: Workspace) -> TrainingTarget | None:
    """The training of the deployment; None where nothing is trained."""
    deployed = workspace.deployed()
    if MACHINE not in deployed.outputs:
        return None
    return TrainingTarget(workspace.config(), deployed)


def runs_of(training: TrainingTarget, model: str) -> list[ShownRun]:
    """The runs of a model, newest first; raises UnavailableError."""
    past = training.runs.past(model)
    # Only the newest can be at work: a model has one active run.
    return [_shown(each, dead=place == 0 and training.is_dead(each)) for place, each in enumerate(past)]


def answer_order(training: TrainingTarget, model: str, *, approved: bool) -> Order:
    """What an answer to the run that waits does; raises ConflictError if none waits."""
    question = open_question(training, model)
    version = question.version
    made = f"Version {version}, which run {question.run} has trained,"
    stays = f"{made} stays in the registry, and nothing releases it."
    if not approved:
        return Order(question.run, f"Reject version {version}", (stays, _NAMED), danger=True)
    release = training_of(training.config, model).release
    strategy = release.strategy or training.config.models[model].release.strategy
    released = f"{made} is released as slipway.yaml says ({strategy}); the judge compares it from there."
    registered = f"{made} stays registered as it is: slipway.yaml leaves its release to a person."
    return Order(question.run, f"Approve version {version}", (released if release.start else registered, _NAMED))


def start_order(training: TrainingTarget, model: str, *, resume: bool) -> Order:
    """What a start does; raises ConflictError while a run is active, or if there is none to go on with."""
    earlier = run_before(training, model, resume=resume)
    run = earlier.run.id if earlier is not None else ""
    if resume:
        said = (f"Run {run} goes on where it stopped; the steps that it has finished are not taken again.", _NAMED)
        return Order(run, "Resume the run", said)
    return Order(run, "Start a run", (*_steps(training_of(training.config, model), model), _NAMED))


def _steps(settings: TrainingConfig, model: str) -> Iterator[str]:
    """The steps of a run, in sentences."""
    days, least = f"{settings.window_days:g}", f"{settings.min_new_labels:,}"
    yield f"The labelled predictions of {model} of the last {days} days become a data set."
    yield f"With fewer than {least} new labels, the run ends there."
    yield f"{settings.recipe} trains on it on {settings.compute}, for {settings.timeout_minutes} minutes at most."
    yield "The gates compare the result with the version that serves; what does not pass them is not registered."
    if settings.approval == "required":
        yield f"What passes is registered, and waits {settings.approval_hours:g} hours for a person's approval."
    elif settings.release.start:
        yield "What passes is registered, and its release starts; the judge compares it from there."
    else:
        yield "What passes is registered, and nothing releases it."


def require(training: TrainingTarget | None) -> TrainingTarget:
    """The training of a deployment that has one; raises NotFoundError."""
    if training is None:
        raise NotFoundError("deployed stack", "training", way_out="a model with `training:` in slipway.yaml adds it")
    return training


def _shown(progress: Progress, *, dead: bool) -> ShownRun:
    run, data = progress.run, progress.data
    return ShownRun(
        id=run.id,
        model=run.model,
        by=run.by,
        trigger=str(run.trigger),
        recipe=run.recipe,
        started=run.started_at,
        phase=progress.phase,
        what=progress.what,
        rows=data.rows if data else None,
        gates=progress.gates,
        version=progress.version,
        release=progress.release,
        steps=progress.history,
        dead=dead,
    )
