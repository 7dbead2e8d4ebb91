"""What the monitor does with each closed period of a version: steps, each with a state of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from slipway.models.package import Package
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.profiles.bins import Bins
from slipway.monitoring.profiles.profile import Profile

State = dict[str, Any]
"""A JSON object."""

EventKind = Literal["drift", "accuracy", "skew"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A captured prediction and its true answer.

    ``predicted`` and ``true`` are a label, a tuple of labels, a value, or values by target. ``segments`` has the values
    of the inputs that `release.segments` names. ``probability`` is that with which the record was drawn for labelling,
    or None if it was not drawn.
    """

    id: str
    version: int
    predicted: Any
    true: Any
    score: float | None = None
    segments: Mapping[str, str] = field(default_factory=dict)
    probability: float | None = None


class LabelledReader(Protocol):
    """Reads the captured predictions whose true answers are known."""

    def labelled(self, model: str, since: datetime, until: datetime) -> Sequence[Labelled]:
        """Those of predictions made in [``since``, ``until``), of every version; raises UnavailableError."""
        ...


class NoLabels:
    """A `LabelledReader` that knows no labels."""

    def labelled(self, model: str, since: datetime, until: datetime) -> Sequence[Labelled]:  # noqa: ARG002
        return ()


@dataclass(frozen=True, slots=True)
class Period:
    """One closed period of a version, which every step gets once, in order; periods without captures are left out.

    ``package`` has only the manifest, the baseline and the other small files of measurements. ``captures`` and
    ``labelled`` read when they are called, and raise UnavailableError; ``captures`` reads the hour's files again.
    """

    package: Package
    bins: tuple[Bins, ...]
    profile: Profile
    captures: Callable[[], Iterator[Capture]]
    labelled: Callable[[], Sequence[Labelled]]
    now: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """What somebody should know: it is put on the default event bus, with ``detail`` as JSON.

    A crash may put one twice, so ``detail`` must be the same whenever the same period is seen with the same state.
    """

    kind: EventKind
    detail: Mapping[str, Any]

    @property
    def is_new(self) -> bool:
        """Whether people have yet to be told of it; false for the daily reminder of a standing alarm."""
        return not self.detail.get("standing", False)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a step found in a period: metrics of the version, by names of the catalogue, and events."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    events: tuple[Event, ...] = ()


class Step(Protocol):
    """Learns from one period after another; pure but for what ``period`` reads."""

    name: str

    def after(self, state: State | None, period: Period) -> tuple[State, Findings]:
        """The state after a period, from the one before it; None before the first."""
        ...


class Summing(Protocol):
    """Adds numbers of each capture to the profiles, in the vector ``name`` of `Profile.sums`."""

    name: str

    def add(self, captures: Sequence[Capture]) -> Sequence[float]:
        """What some captures of the version add to the vector, which is always of the same length."""
        ...


SummingOf = Callable[[Package], Sequence[Summing]]
"""The sums to make of a version's captures."""
