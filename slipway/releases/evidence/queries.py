"""What is asked of CloudWatch about a version: a figure a query, and several for a regression's values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from slipway.monitoring.telemetry import metrics
from slipway.releases.evidence.tallies import Tally, value_key

SUM, COUNT = "Sum", "SampleCount"


@dataclass(frozen=True, slots=True)
class Query:
    """One figure of a version: a metric in one statistic; ``label`` is one more dimension."""

    version: int
    metric: str
    statistic: str = SUM
    label: str | None = None


def over(limit: float) -> str:
    """CloudWatch's name for the number of values over a limit, which may not be negative."""
    # As many digits as a float has, and no exponent.
    return f"TC({format(Decimal(repr(limit)), 'f')}:)"


def value_queries(version: int, limits: Sequence[float]) -> Iterator[Query]:
    """What tells how many values are over each limit: those below zero are kept by their size, apart."""
    if limits:
        yield from (Query(version, name, COUNT) for name in (metrics.VALUES, metrics.NEGATIVE_VALUES))
        yield from (_over(version, limit) for limit in limits)


def value_tallies(version: int, limits: Sequence[float], found: Mapping[Query, float]) -> dict[str, Tally]:
    """How many values are over each limit."""
    positive, negative = (
        found.get(Query(version, name, COUNT), 0.0) for name in (metrics.VALUES, metrics.NEGATIVE_VALUES)
    )
    n = positive + negative
    tallies = {}
    for limit in limits:
        beyond = found.get(_over(version, limit), 0.0)
        # A value below zero whose size is over that of the limit is under the limit.
        tallies[value_key(limit)] = Tally(n, min(beyond if limit >= 0 else n - beyond, n))
    return tallies


def _over(version: int, limit: float) -> Query:
    return Query(version, metrics.VALUES if limit >= 0 else metrics.NEGATIVE_VALUES, over(abs(limit)))
