"""Training runs as `slipway train` shows them, and the answer of a person whom a run asks."""

from dataclasses import dataclass
from datetime import datetime

from slipway.cli.train.target import TrainingTarget
from slipway.console.workspace import Workspace
from slipway.errors import ConflictError, NotFoundError
from slipway.training.account.executions import Answer
from slipway.training.account.progress import Entry, Phase, Progress
from slipway.training.account.table import Question

MACHINE = "TrainingStateMachine"
"""The output of the stack of training; a project that trains nothing has none."""


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
    def waits(self) -> bool:
        """Whether a person has to approve its version."""
        return self.phase is Phase.WAITING and not self.dead


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


def question_of(training: TrainingTarget, model: str) -> Question:
    """What the newest run of a model asks a person; raises ConflictError if none waits."""
    question = training.runs.asked(model)
    waiting = {each.id for each in runs_of(training, model) if each.waits}
    if question is None or question.run not in waiting:
        raise ConflictError(f"no run of {model} waits for approval")
    return question


def give_answer(training: TrainingTarget, model: str, *, run: str, approved: bool, reason: str) -> int:
    """Answer for a person, and return the version; raises ConflictError if the run does not wait any more."""
    question = question_of(training, model)
    if question.run != run:
        raise ConflictError(f"run {run} of {model} does not wait for approval any more")
    training.executions.answer(question.token, Answer(approved, training.caller(), reason))
    return question.version


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
