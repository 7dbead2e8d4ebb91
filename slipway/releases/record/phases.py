"""The phases of a release, and the entries of its history."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Phase(StrEnum):
    """The phase of a release; `sentence` explains it."""

    PENDING = "pending"
    PREPARING = "preparing"
    RUNNING = "running"
    BAKING = "baking"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled-back"
    FINISHED = "finished"

    @property
    def sentence(self) -> str:
        """The meaning of the phase, for people."""
        return _SENTENCES[self]

    @property
    def ended(self) -> bool:
        """Whether the release has ended. Some of its actions may still be pending."""
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
    """Base of everything in a stored record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HistoryEntry(Stored):
    """One step of a release: its time, its author, a description, and the evidence behind the decision."""

    at: AwareDatetime
    by: str
    phase: Phase
    what: str
    evidence: tuple[str, ...] = ()


class OperatorOrder(Stored):
    """An operator's order, which overrides the judge."""

    action: Literal["promote", "rollback"]
    by: Annotated[str, Field(min_length=1)]
    at: AwareDatetime
    why: str = ""
