"""What people make training runs do in the account: start one, go on with one that failed, and answer one."""

import secrets
import time
from datetime import UTC, datetime

from slipway.cli.train.target import TrainingTarget
from slipway.errors import ConflictError
from slipway.training.account.desk import run_id, training_of
from slipway.training.account.executions import Answer
from slipway.training.account.progress import Phase, Progress
from slipway.training.account.table import Question

_WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.5


def begin_run(target: TrainingTarget, model: str, *, resume: bool, by: str, reason: str, git_commit: str | None) -> str:
    """Start a run, or go on with the newest one if it failed, and return the run's id once it is written down.

    Raises:
        InputError: the model has no `training`.
        ConflictError: a run of the model is active, or there is none to go on with.
        UnavailableError: AWS cannot be reached.
    """
    training_of(target.config, model)
    earlier = run_before(target, model, resume=resume)
    run = earlier.run.id if resume and earlier is not None else run_id(datetime.now(UTC), secrets.token_hex(8))
    name = f"{run}-{secrets.token_hex(3)}" if resume else run
    given = {
        "model": model,
        "run": run,
        "by": by,
        "trigger": {"kind": "hand", "reason": reason},
        "git_commit": git_commit,
    }
    _await_record(target, model, run, target.executions.start(name, given))
    return run


def run_before(target: TrainingTarget, model: str, *, resume: bool) -> Progress | None:
    """The newest run of a model before another is started, or before it goes on itself.

    Raises:
        ConflictError: it is active, or with ``resume``, it has not failed.
    """
    newest = next(iter(target.runs.past(model)), None)
    if newest is not None and not newest.phase.ended and not target.is_dead(newest):
        raise ConflictError(f"run {newest.run.id} of {model} is active ({newest.phase}); `slipway train watch {model}`")
    if resume and (newest is None or (newest.phase.ended and newest.phase is not Phase.FAILED)):
        raise ConflictError(f"no run of {model} has failed or was stopped, so there is none to go on with")
    return newest


def open_question(target: TrainingTarget, model: str) -> Question:
    """What a run of a model asks a person now; raises ConflictError if none waits."""
    question = target.runs.asked(model)
    if question is not None:
        asking = target.runs.get(model, question.run)
        if asking.phase is Phase.WAITING and not target.is_dead(asking):
            return question
    raise ConflictError(f"no run of {model} waits for approval")


def answer_run(target: TrainingTarget, model: str, answer: Answer, *, run: str | None = None) -> int:
    """Answer the run that waits, or only ``run``, and return the version; raises ConflictError if it does not wait."""
    question = open_question(target, model)
    if run not in (None, question.run):
        raise ConflictError(f"run {run} of {model} does not wait for approval any more")
    target.executions.answer(question.token, answer)
    return question.version


def _await_record(target: TrainingTarget, model: str, run: str, execution: str) -> None:
    """Wait until the execution has written its run down, so that the next command sees it; raises ConflictError."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        works = target.executions.is_running(execution)  # asked first: what it wrote before its end is there
        found = target.runs.find(model, run)
        if found is not None and found.execution == execution:
            return
        if not works:
            raise ConflictError(
                f"run {run} of {model} has not begun: another was faster, or `slipway train logs` says why"
            )
        time.sleep(_POLL_SECONDS)
