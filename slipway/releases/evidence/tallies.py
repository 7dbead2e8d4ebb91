"""The evidence as values. Decisions depend only on the evidence, the record and the time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from operator import add, sub

from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.routing.segments import GroupKey


@dataclass(frozen=True, slots=True)
class Tally:
    """The number of outcomes between 0 and 1, their sum, and the sum of their squares.

    Without ``squares`` every outcome is 0 or 1, and the sum of squares equals the sum. Most tallies count bad outcomes:
    failures, latencies over the limit, wrong labels. The exceptions are `label:…`, `value:…`, `score` and `reward`,
    which count the named outcome, and `preferred`, which counts the impressions that the candidate won.
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


@dataclass(frozen=True, slots=True)
class Clusters:
    """One tally by bucket of the sticky value: the number of outcomes and their sum, each of length `BUCKETS`."""

    n: tuple[float, ...]
    total: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.n) != BUCKETS or len(self.total) != BUCKETS:
            raise ValueError(f"{len(self.n)} numbers and {len(self.total)} sums, not {BUCKETS} of each")

    def __add__(self, other: "Clusters") -> "Clusters":
        return Clusters(
            tuple(map(add, self.n, other.n)),
            tuple(map(add, self.total, other.total)),
        )

    @property
    def flipped(self) -> "Clusters":
        """The complements of the outcomes."""
        return Clusters(self.n, tuple(map(sub, self.n, self.total)))


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
"""The tolerance between a live share and the wanted one: a load balancer's weights are integers up to 999."""


def label_key(label: str) -> str:
    """The key of the tally of predictions with one label."""
    return f"label:{label}"


def value_key(limit: float) -> str:
    """The key of the tally of a regression's values above a limit."""
    return f"value:{limit!r}"


def target_key(target: str, limit: float) -> str:
    """The key of the tally of one target's values above a limit, of a regression with several."""
    return f"{value_key(limit)}:{target}"


def guardrail_key(name: str) -> str:
    """The key of the tally of a metric of the user's own."""
    return f"metric:{name}"


Groups = Mapping[GroupKey, Mapping[str, Tally]]
"""The tallies of each group of the release's segments; only those that the group has."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """What the groups of the segments add since the record's ``grouped_until``, up to a time."""

    until: datetime
    groups: Groups


@dataclass(frozen=True, slots=True)
class Window:
    """The tallies of each version in a past period.

    ``arms`` has each version's tallies: ``errors`` of all its requests (the service's faults, not the caller's),
    ``p50`` and ``p99`` (latencies above the limits of `record.latency_limits`), ``label:…``, ``value:…`` (values above
    a limit of `record.value_limits` or, by target, of `record.target_limits`), ``score``, ``accuracy`` (wrong labels of
    predictions made since the release started), ``reward`` and, where they exist, ``metric:…`` (the user's own),
    ``agreement`` (records on which a shadow disagrees), ``preferred`` and ``ties``. Tallies that were not measured are
    left out. ``refused`` has the metrics of the user's own whose values cannot be counted, each with the reason.
    ``grouped`` is in the last window of a look.

    ``clusters`` has the same tallies by bucket of the sticky value, by version and key, as far as they are counted so.
    """

    start: datetime
    end: datetime
    arms: Mapping[int, Mapping[str, Tally]]
    clusters: Mapping[int, Mapping[str, Clusters]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    grouped: Grouped | None = None

    @property
    def minutes(self) -> float:
        """The length of the window in minutes."""
        return (self.end - self.start).total_seconds() / 60

    def tally(self, version: int, key: str) -> Tally:
        """A version's tally; empty if it was not measured."""
        return self.arms.get(version, {}).get(key, NOTHING)

    def with_tally(self, version: int, key: str, tally: Tally, clusters: Clusters | None = None) -> "Window":
        """This window with one tally of a version, and with the same by bucket if it is counted so."""
        arms = {**self.arms, version: {**self.arms.get(version, {}), key: tally}}
        if clusters is None:
            return replace(self, arms=arms)
        by_bucket = {**self.clusters, version: {**self.clusters.get(version, {}), key: clusters}}
        return replace(self, arms=arms, clusters=by_bucket)


@dataclass(frozen=True, slots=True)
class Reference:
    """The stable version's past: its latency quantiles in milliseconds, and its tallies.

    ``past`` has the tallies of each minute, oldest first, and tells how much minutes differ by themselves.
    """

    p50_ms: float | None = None
    p99_ms: float | None = None
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    past: tuple[Mapping[str, Tally], ...] = ()


class Readiness(StrEnum):
    """The state of a version's preparation."""

    ABSENT = "absent"
    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Observed:
    """The state of the world: the readiness and the live share of each version.

    ``shares`` is None where traffic follows the record itself, as on the light tier. ``shadows`` has the versions that
    score captures now, and is None if resources of a finished shadow remain. ``problem`` says why a preparation failed.
    ``down`` has the versions with traffic but no healthy task, while another version has one. ``start_seconds`` is how
    long slipway.yaml lets a task take until it is ready. ``stored`` has the shares that the next deploy applies, and
    ``tasks`` the number of desired tasks of each version in a slot.
    """

    readiness: Mapping[int, Readiness] = field(default_factory=dict)
    shares: Mapping[int, float] | None = None
    shadows: frozenset[int] | None = frozenset()
    problem: str = ""
    down: frozenset[int] = frozenset()
    start_seconds: int = 0
    stored: Mapping[int, float] | None = None
    tasks: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one look: the windows since the last look, oldest first, and the state of the world.

    ``alarms`` says of each alarm that the user named whether it is in the state ALARM.
    """

    observed: Observed
    windows: tuple[Window, ...] = ()
    reference: Reference | None = None
    alarms: Mapping[str, bool] = field(default_factory=dict)
