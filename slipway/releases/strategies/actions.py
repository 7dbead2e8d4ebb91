"""The actions of a decision, as values. Executors carry out each action idempotently."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.releases.record.phases import HistoryEntry


@dataclass(frozen=True, slots=True)
class Prepare:
    """Start a version without traffic: set its parameter, scale up, wait for health, predict and warm up."""

    version: int


@dataclass(frozen=True, slots=True)
class SetShares:
    """Give each version its share of the traffic; ``before`` has the live shares that this may replace."""

    shares: Mapping[int, float]
    before: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class RunShadows:
    """Let exactly these versions score this share of the captures."""

    versions: tuple[int, ...]
    sample: float


@dataclass(frozen=True, slots=True)
class Retire:
    """Scale down a version that no longer has traffic."""

    version: int


@dataclass(frozen=True, slots=True)
class SetStable:
    """Record the new stable version."""

    version: int


@dataclass(frozen=True, slots=True)
class Notify:
    """Notify the subscribers."""

    entries: tuple[HistoryEntry, ...]


Action = Prepare | SetShares | RunShadows | Retire | SetStable | Notify
