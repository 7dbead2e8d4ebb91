"""The record of a training run: what it is doing, what it made, and why it ended, as people and commands read it."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from slipway.config.validation import field_problems
from slipway.errors import InputError
from slipway.training.run import Run


class Phase(StrEnum):
    """The phase of a run; `sentence` explains it."""

    ASSEMBLING = "assembling"
    TRAINING = "training"
    CHECKING = "checking"
    REGISTERING = "registering"
    WAITING = "waiting"
    RELEASING = "releasing"
    RELEASED = "released"
    REGISTERED = "registered"
    DECLINED = "declined"
    REFUSED = "refused"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def sentence(self) -> str:
        """The meaning of the phase, for people."""
        return _SENTENCES[self]

    @property
    def ended(self) -> bool:
        """Whether the run has ended. A failed one can be resumed."""
        return self in _ENDED


_SENTENCES = {
    Phase.ASSEMBLING: "Labelled predictions are made into a data set.",
    Phase.TRAINING: "The recipe trains on the data set.",
    Phase.CHECKING: "The gates judge the result against the version that serves.",
    Phase.REGISTERING: "The registry stores the result as a version.",
    Phase.WAITING: "A person has to approve the version.",
    Phase.RELEASING: "The release of the version is being started.",
    Phase.RELEASED: "The release of the version has started; the judge decides from here.",
    Phase.REGISTERED: "The version is in the registry, and nothing releases it.",
    Phase.DECLINED: "There was nothing to train.",
    Phase.REFUSED: "The result did not pass the gates.",
    Phase.REJECTED: "A person did not approve the version.",
    Phase.FAILED: "A step failed; the run can be resumed.",
}
_ENDED = frozenset({Phase.RELEASED, Phase.REGISTERED, Phase.DECLINED, Phase.REFUSED, Phase.REJECTED, Phase.FAILED})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Part):
    """One step of a run: when it began, and what there is to say of it."""

    at: AwareDatetime
    phase: Phase
    what: str


class Data(_Part):
    """The data set of a run."""

    rows: int
    train_rows: int
    sha256: str
    since: AwareDatetime
    until: AwareDatetime


class Progress(_Part):
    """One run and how far it is.

    ``execution`` is the ARN of the execution that works on it, ``version`` what it registered, and ``release`` the id
    of the release that it started.
    """

    format: int = 1
    run: Run
    phase: Phase
    execution: str
    data: Data | None = None
    gates: tuple[str, ...] = ()
    version: int | None = None
    release: str | None = None
    history: tuple[Entry, ...] = ()

    @property
    def what(self) -> str:
        """The sentence of the last step."""
        return self.history[-1].what if self.history else self.phase.sentence

    @property
    def changed_at(self) -> datetime:
        """When the last step began, or the run ended."""
        return self.history[-1].at if self.history else self.run.started_at

    def entering(self, phase: Phase, now: datetime, what: str = "", **found: object) -> Self:
        """The record of a run that comes into a phase, with what was ``found``; once if it is there already."""
        entry = Entry(at=now, phase=phase, what=what or phase.sentence)
        last = self.history[-1] if self.history else None
        again = last is not None and (last.phase, last.what) == (entry.phase, entry.what)
        history = self.history if again else (*self.history, entry)
        return self.model_copy(update={"phase": phase, "history": history, **found})


def started(run: Run, execution: str, now: datetime) -> Progress:
    """The record of a run that begins."""
    return Progress(run=run, phase=Phase.ASSEMBLING, execution=execution).entering(
        Phase.ASSEMBLING, now, f"Started by {run.by} ({run.trigger})."
    )


def load_progress(text: str) -> Progress:
    """Parse a record from JSON; raises InputError if it was not written by Slipway."""
    try:
        return Progress.model_validate_json(text)
    except ValidationError as error:
        raise InputError(field_problems(error, prefix="training run")) from error
