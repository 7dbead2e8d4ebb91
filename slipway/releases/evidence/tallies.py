"""What the controller has seen, as values: the only things beside the record and the time that decisions rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of outcomes between 0 and 1, their sum, and the sum of their squares (the sum, where they are 0 or 1).

    What is counted is bad: failures, latencies over the limit, wrong labels. Only `label:…`, `value:…`, `score` and
    `reward` count what they say, and `preferred` the impressions that the candidate won.
    """

    n: float
    total: float
    squares: float | None = None

    @property
    def mean(self) -> float:
        """The mean, 0 without outcomes."""
        return self.total / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """The variance of one outcome, 0 without outcomes."""
        squares = self.total if self.squares is None else self.squares
        return max(squares / self.n - self.mean**2, 0.0) if self.n else 0.0

    def __add__(self, other: "Tally") -> "Tally":
        if self.squares is None and other.squares is None:
            return Tally(self.n + other.n, self.total + other.total)
        squares = sum(tally.total if tally.squares is None else tally.squares for tally in (self, other))
        return Tally(self.n + other.n, self.total + other.total, squares)


NOTHING = Tally(0, 0)
ERRORS, P50, P99, SCORE, ACCURACY, REWARD, AGREEMENT = (
    "errors",
    "p50",
    "p99",
    "score",
    "accuracy",
    "reward",
    "agreement",
)
PREFERRED, TIES = "preferred", "ties"
SAME_SHARE = 0.002
"""By how much a live share may differ from the one that is wanted: a load balancer's weights are whole, 999 at most."""


def label_key(label: str) -> str:
    """The tally of the predictions with one label."""
    return f"label:{label}"


def value_key(limit: float) -> str:
    """The tally of the values over a limit, which a regression predicted."""
    return f"value:{limit!r}"


@dataclass(frozen=True, slots=True)
class Window:
    """What each version did in a stretch of time that is over.

    ``arms`` has a version's tallies: ``errors`` of all its requests (the service's faults, not the caller's), ``p50``
    and ``p99`` of the latencies over the limits of `record.latency_limits`, ``label:…``, ``value:…`` (values over a
    limit of `record.value_limits`), ``score``, ``accuracy`` (wrong labels, of predictions made since the release
    started), ``reward``, and where they exist ``agreement`` (records on which a shadow disagrees), ``preferred`` and
    ``ties``. What was not measured is left out.
    """

    start: datetime
    end: datetime
    arms: Mapping[int, Mapping[str, Tally]]

    @property
    def minutes(self) -> float:
        """How long it was."""
        return (self.end - self.start).total_seconds() / 60

    def tally(self, version: int, key: str) -> Tally:
        """A tally, empty where there is none."""
        return self.arms.get(version, {}).get(key, NOTHING)


@dataclass(frozen=True, slots=True)
class Reference:
    """What the stable version did before: quantiles of its latency in milliseconds, and its tallies."""

    p50_ms: float | None = None
    p99_ms: float | None = None
    tallies: Mapping[str, Tally] = field(default_factory=dict)


class Readiness(StrEnum):
    """How far the preparation of a version is."""

    ABSENT = "absent"
    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Observed:
    """The state of the world: which versions are prepared, and the live share of each version.

    ``shares`` is None where the record itself is what traffic follows, as on the light tier. ``shadows`` are the
    versions that score captures now, None where something is left of shadows that nobody wants any more; ``problem``
    says why a preparation failed. ``down`` are versions with traffic that nothing healthy answers, while another could.
    """

    readiness: Mapping[int, Readiness] = field(default_factory=dict)
    shares: Mapping[int, float] | None = None
    shadows: frozenset[int] | None = frozenset()
    problem: str = ""
    down: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that one look brings: the windows since the last one, oldest first, and the state of the world.

    ``alarms`` has the state of each alarm that the user named: whether it is in alarm.
    """

    observed: Observed
    windows: tuple[Window, ...] = ()
    reference: Reference | None = None
    alarms: Mapping[str, bool] = field(default_factory=dict)
