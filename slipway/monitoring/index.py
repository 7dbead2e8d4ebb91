"""The monitor's own memory of a model: what it has read of each hour, and up to when it has told of periods."""

from dataclasses import dataclass, field
from datetime import datetime

from slipway.errors import InputError
from slipway.monitoring.steps import State


@dataclass(slots=True)
class Index:
    """``sources`` has the digest of the files read of each hour. Periods up to ``told`` have been given to the steps.

    Every hour before ``finished`` has been read as far as its captures had come.
    """

    sources: dict[datetime, str] = field(default_factory=dict)
    finished: datetime | None = None
    told: datetime | None = None

    @classmethod
    def of(cls, state: State | None) -> "Index":
        """Read the output of `state`; raises InputError for anything else."""
        if state is None:
            return cls()
        try:
            return cls(
                sources={datetime.fromisoformat(hour): str(source) for hour, source in state["hours"].items()},
                finished=_moment(state["finished"]),
                told=_moment(state["told"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError.of("the monitor's index", f"was not written by Slipway: {error}") from error

    def state(self) -> State:
        """The index as a JSON object."""
        return {
            "hours": {hour.isoformat(): source for hour, source in self.sources.items()},
            "finished": self.finished and self.finished.isoformat(),
            "told": self.told and self.told.isoformat(),
        }


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
