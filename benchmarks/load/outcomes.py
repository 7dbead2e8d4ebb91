"""What became of each request, and the figures of many."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request, as the client process writes it.

    ``at`` is the time at which it was due, in seconds since the epoch, and ``seconds`` counts from then to the end of
    the answer. ``status`` is `NO_ANSWER` if none came. ``said`` explains an unexpected status. ``versions`` are the
    versions that answered; ``key`` is the sticky value.
    """

    kind: str
    at: float
    seconds: float
    status: int
    expected: bool
    said: str = ""
    versions: tuple[int, ...] = ()
    cached: int = 0
    key: str | None = None


@dataclass(frozen=True)
class Figures:
    """The figures of one kind of traffic; latencies are in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p95: float
    p99: float
    longest: float
    statuses: dict[int, int]
    refused: int
    unexpected: int


def figures(outcomes: Sequence[Outcome], seconds: float) -> Figures:
    """Sum up at least one outcome over ``seconds`` of traffic. ``refused`` counts the expected 4xx."""
    took = sorted(1000 * each.seconds for each in outcomes)
    return Figures(
        requests=len(outcomes),
        per_second=len(outcomes) / seconds,
        p50=percentile(took, 50),
        p95=percentile(took, 95),
        p99=percentile(took, 99),
        longest=took[-1],
        statuses=dict(sorted(Counter(each.status for each in outcomes).items())),
        refused=sum(each.expected and each.status >= HTTPStatus.BAD_REQUEST for each in outcomes),
        unexpected=sum(not each.expected for each in outcomes),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of the values do not exceed; the values are in ascending order."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def moved_keys(outcomes: Sequence[Outcome], since: float, until: float) -> list[str]:
    """The sticky values that more than one version answered, of the requests that lie in a span of time."""
    met: dict[str, set[int]] = {}
    for each in outcomes:
        if each.key is not None and since <= each.at and each.at + each.seconds <= until:
            met.setdefault(each.key, set()).update(each.versions)
    return sorted(key for key, versions in met.items() if len(versions) > 1)
