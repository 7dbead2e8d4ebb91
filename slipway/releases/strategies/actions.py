"""What a decision wants done, as values. An executor does each so that doing it twice is doing it once."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.releases.record.phases import HistoryEntry


@dataclass(frozen=True, slots=True)
class Prepare:
    """Bring a version up where it takes no traffic: version parameter, scale, health, a prediction, warm-up."""

    version: int


@dataclass(frozen=True, slots=True)
class SetShares:
    """Give each version its share of the traffic; ``before`` are the live ones that this may replace."""

    shares: Mapping[int, float]
    before: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class RunShadows:
    """Let these versions, and no others, score this share of the captures."""

    versions: tuple[int, ...]
    sample: float


@dataclass(frozen=True, slots=True)
class Retire:
    """Scale a version down that takes no traffic any more."""

    version: int


@dataclass(frozen=True, slots=True)
class SetStable:
    """Write down which version is the stable one from now on."""

    version: int


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell whoever has subscribed."""

    entries: tuple[HistoryEntry, ...]


Action = Prepare | SetShares | RunShadows | Retire | SetStable | Notify
