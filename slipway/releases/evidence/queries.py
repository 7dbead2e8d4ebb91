"""The CloudWatch queries about a version: one per figure, and several for a regression's values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from slipway.monitoring.telemetry import metrics
from slipway.releases.evidence.tallies import Tally, value_key

SUM, COUNT = "Sum", "SampleCount"


@dataclass(frozen=True, slots=True)
class Query:
    """One figure of a version: one statistic of a metric; ``label`` adds a dimension.

    ``guardrail`` is the name of the user's own metric whose namespace and dimensions it has.
    """

    version: int
    metric: str
    statistic: str = SUM
    label: str | None = None
    guardrail: str | None = None


def over(limit: float) -> str:
    """CloudWatch's statistic for the number of values above a limit; the limit must not be negative."""
    # Write all digits of the float, without an exponent.
    return f"TC({format(Decimal(repr(limit)), 'f')}:)"


def value_queries(version: int, limits: Sequence[float]) -> Iterator[Query]:
    """The queries for the number of values above each limit.

    Negative values are in a metric of their own, as absolute values.
    """
    if limits:
        yield from (Query(version, name, COUNT) for name in (metrics.VALUES, metrics.NEGATIVE_VALUES))
        yield from (_over(version, limit) for limit in limits)


def value_tallies(version: int, limits: Sequence[float], found: Mapping[Query, float]) -> dict[str, Tally]:
    """The number of values above each limit."""
    positive, negative = (
        found.get(Query(version, name, COUNT), 0.0) for name in (metrics.VALUES, metrics.NEGATIVE_VALUES)
    )
    n = positive + negative
    tallies = {}
    for limit in limits:
        beyond = found.get(_over(version, limit), 0.0)
        # A negative value with a larger absolute value than a negative limit is below the limit.
        tallies[value_key(limit)] = Tally(n, min(beyond if limit >= 0 else n - beyond, n))
    return tallies


def _over(version: int, limit: float) -> Query:
    return Query(version, metrics.VALUES if limit >= 0 else metrics.NEGATIVE_VALUES, over(abs(limit)))
