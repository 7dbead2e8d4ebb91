"""Keeps the runs: starts at most one of a model at a time, writes down how far it is, asks people, and tells them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Protocol

from slipway.config import Config
from slipway.config.training import TrainingConfig
from slipway.errors import InputError, NotFoundError
from slipway.training.account.progress import Phase, Progress, started
from slipway.training.account.table import Holder, Question
from slipway.training.run import Run, Trigger, new_run

_OTHER_STEPS = timedelta(hours=2)
_TRIGGERED = frozenset({"drift", "accuracy"})


class RunTable(Protocol):
    """Stores runs; `slipway.training.account.table.DynamoRuns` does. Every method raises UnavailableError."""

    def hold(self, model: str, holder: Holder, now: datetime) -> Holder | None: ...
    def take_over(self, model: str, holder: Holder, dead: Holder) -> Holder | None: ...
    def let_go(self, holder: Holder, model: str) -> None: ...
    def save(self, progress: Progress) -> None: ...
    def get(self, model: str, run: str) -> Progress: ...
    def find(self, model: str, run: str) -> Progress | None: ...
    def past(self, model: str) -> list[Progress]: ...
    def ask(self, model: str, question: Question) -> None: ...


@dataclass(frozen=True, slots=True)
class Start:
    """What an execution begins with: ``run`` is the id of a new run, or of a failed one to resume."""

    model: str
    run: str
    execution: str
    trigger: Trigger
    by: str
    git_commit: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A run to work on, or the reason why there is none."""

    run: Run | None
    reason: str = ""


@dataclass(frozen=True)
class Desk:
    """Keeps the runs of one project.

    Args:
        config: slipway.yaml.
        runs: the table of runs.
        is_running: whether an execution, by its ARN, is at work.
        stable: the version of a model that serves.
        tell: sends people a message, by subject and text.
        clock: returns the current time.
    """

    config: Config
    runs: RunTable
    is_running: Callable[[str], bool]
    stable: Callable[[str], int]
    tell: Callable[[str, str], None]
    clock: Callable[[], datetime] = field(repr=False)

    def begin(self, start: Start) -> Begun:
        """Begin a run, or go on with a failed one; not if another run of the model is active.

        Raises:
            NotFoundError: slipway.yaml lacks the model.
            InputError: the model has no `training`.
        """
        training, now = training_of(self.config, start.model), self.clock()
        earlier = self.runs.find(start.model, start.run)
        if earlier is not None and earlier.phase.ended and earlier.phase is not Phase.FAILED:
            return Begun(None, f"Run {start.run} has ended ({earlier.phase}: {earlier.what})")
        if earlier is None and (reason := self._quiet(start, training, now)):
            return Begun(None, reason)
        holder = Holder(start.run, start.execution, now + longest(training))
        if (other := self._hold(start.model, holder, now)) is not None:
            return Begun(None, f"Run {other.run} of {start.model} is active, and one runs at a time.")
        progress = self._resumed(earlier, start, now) if earlier else self._new(start, training, now)
        self.runs.save(progress)
        return Begun(progress.run)

    def enter(self, run: Run, phase: Phase, what: str = "", **found: object) -> Progress:
        """Write down that a run has come into a phase, and what was found."""
        progress = self.runs.get(run.model, run.id).entering(phase, self.clock(), what, **found)
        self.runs.save(progress)
        return progress

    def ask(self, run: Run, version: int, token: str) -> None:
        """Ask a person to approve a version; the answer goes to the execution by ``token``."""
        self.runs.ask(run.model, Question(run.id, version, token))
        hours = training_of(self.config, run.model).approval_hours
        what = f"Version {version} waits for approval, for {hours:g} hours."
        self.enter(run, Phase.WAITING, what)
        commands = [f"slipway train {verb} {run.model}" for verb in ("approve", "reject")]
        self._notify(run, f"version {version} waits for approval", [what, f"`{commands[0]}` or `{commands[1]}`"])

    def finish(self, run: Run, phase: Phase, what: str = "", **found: object) -> None:
        """End a run, let others of its model begin, and tell people.

        They are not told of a triggered run that was declined: an alarm that stands triggers one each day.
        """
        progress = self.enter(run, phase, what, **found)
        far = self.clock()
        self.runs.let_go(Holder(run.id, progress.execution, far), run.model)
        if phase is not Phase.DECLINED or run.trigger.kind not in _TRIGGERED:
            self._notify(run, f"training {phase}", [progress.what, *progress.gates])

    def _notify(self, run: Run, subject: str, lines: list[str]) -> None:
        text = [f"{self.config.project}: training run {run.id} of {run.model} ({run.trigger})", *lines]
        self.tell(f"{run.model}: {subject}", "\n".join([*text, f"`slipway train status {run.model}` shows more."]))

    def _hold(self, model: str, holder: Holder, now: datetime) -> Holder | None:
        other = self.runs.hold(model, holder, now)
        if other is not None and not self.is_running(other.execution):
            return self.runs.take_over(model, holder, other)
        return other

    def _quiet(self, start: Start, training: TrainingConfig, now: datetime) -> str:
        """Why a triggered run does not start: another was triggered shortly before, and had labels enough."""
        if start.trigger.kind not in _TRIGGERED:
            return ""
        since = now - timedelta(hours=training.quiet_hours)
        for each in self.runs.past(start.model):
            counts = each.run.trigger.kind in _TRIGGERED and each.phase is not Phase.DECLINED
            if counts and each.run.started_at > since:
                return f"Run {each.run.id} was triggered less than {training.quiet_hours:g} hours ago (`quiet_hours`)."
        return ""

    def _new(self, start: Start, training: TrainingConfig, now: datetime) -> Progress:
        run = new_run(
            start.model,
            training,
            id=start.run,
            trigger=start.trigger,
            parent=self.stable(start.model),
            now=now,
            by=start.by,
            git_commit=start.git_commit,
        )
        return started(run, start.execution, now)

    def _resumed(self, earlier: Progress, start: Start, now: datetime) -> Progress:
        if earlier.execution == start.execution:
            return earlier  # the step was done before, and its answer was lost
        moved = earlier.model_copy(update={"execution": start.execution})
        return moved.entering(Phase.ASSEMBLING, now, f"Resumed by {start.by}.")


def run_id(started_at: datetime | str, execution: str) -> str:
    """The id of the run of an execution: when it began, and some digits by which two of a second differ."""
    moment = datetime.fromisoformat(started_at) if isinstance(started_at, str) else started_at
    return f"{moment:%Y%m%dT%H%M%S}-{blake2b(execution.encode(), digest_size=3).hexdigest()}"


def training_of(config: Config, model: str) -> TrainingConfig:
    """The `training` of a model.

    Raises:
        NotFoundError: slipway.yaml lacks the model.
        InputError: the model has none.
    """
    if model not in config.models:
        raise NotFoundError("model", model, config.models)
    training = config.models[model].training
    if training is None:
        raise InputError.of(f"models.{model}.training", "is not set, so nothing says how the model is trained")
    return training


def longest(training: TrainingConfig) -> timedelta:
    """How long a run takes at most; after that, another may begin whatever became of it."""
    approval = timedelta(hours=training.approval_hours) if training.approval == "required" else timedelta()
    return timedelta(minutes=training.timeout_minutes) + approval + _OTHER_STEPS


def trigger_of(given: Mapping[str, Any]) -> Trigger:
    """What started an execution, from its input."""
    return Trigger(kind=given.get("kind", "hand"), reason=str(given.get("reason", "")))
