"""The life of a release, and what it leaves in the history."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Phase(StrEnum):
    """Where a release is; `sentence` says what that means."""

    PENDING = "pending"
    PREPARING = "preparing"
    RUNNING = "running"
    BAKING = "baking"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled-back"
    FINISHED = "finished"

    @property
    def sentence(self) -> str:
        """What the phase means, for people."""
        return _SENTENCES[self]

    @property
    def ended(self) -> bool:
        """Whether nothing is decided any more; what was decided may still have to be done."""
        return self in _ENDED


_SENTENCES = {
    Phase.PENDING: "It is written down, and nothing has been touched.",
    Phase.PREPARING: "The candidates are brought up and tested by their own address; they take no traffic.",
    Phase.RUNNING: "The candidates take their share, and the judge compares them with the stable version.",
    Phase.BAKING: "The candidate has all traffic; the old version stays warm, and one step leads back.",
    Phase.PROMOTED: "The candidate is the stable version now.",
    Phase.ROLLED_BACK: "All traffic is at the version that was stable before.",
    Phase.FINISHED: "The experiment has ended with its report, and the stable version is as before.",
}
_ENDED = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.FINISHED})


class Stored(BaseModel):
    """A part of a stored record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HistoryEntry(Stored):
    """A step that was taken: when, by whom, what, and the evidence that it was decided on."""

    at: AwareDatetime
    by: str
    phase: Phase
    what: str
    evidence: tuple[str, ...] = ()


class OperatorOrder(Stored):
    """What a person wants to happen, whatever the judge says."""

    action: Literal["promote", "rollback"]
    by: Annotated[str, Field(min_length=1)]
    at: AwareDatetime
    why: str = ""
