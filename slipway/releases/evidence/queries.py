"""The CloudWatch queries about a version: one per figure, and several for a regression's values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from slipway.monitoring.telemetry import metrics
from slipway.releases.evidence.tallies import Tally, target_key, value_key

SUM, COUNT = "Sum", "SampleCount"


@dataclass(frozen=True, slots=True)
class Query:
    """One figure of a version: one statistic of a metric; ``label`` and ``target`` each add a dimension.

    ``guardrail`` is the name of the user's own metric whose namespace and dimensions it has.
    """

    version: int
    metric: str
    statistic: str = SUM
    label: str | None = None
    guardrail: str | None = None
    target: str | None = None


def over(limit: float) -> str:
    """CloudWatch's statistic for the number of values above a limit; the limit must not be negative."""
    # Write all digits of the float, without an exponent.
    return f"TC({format(Decimal(repr(limit)), 'f')}:)"


def value_queries(version: int, limits: Sequence[float], target: str | None = None) -> Iterator[Query]:
    """The queries for the number of values, of one target if there are several, above each limit.

    Negative values are in a metric of their own, as absolute values.
    """
    if limits:
        yield from (Query(version, name, COUNT, target=target) for name in _names(target))
        yield from (_over(version, limit, target) for limit in limits)


def value_tallies(
    version: int, limits: Sequence[float], found: Mapping[Query, float], target: str | None = None
) -> dict[str, Tally]:
    """The number of values above each limit."""
    n = sum(found.get(Query(version, name, COUNT, target=target), 0.0) for name in _names(target))
    tallies = {}
    for limit in limits:
        beyond = found.get(_over(version, limit, target), 0.0)
        key = value_key(limit) if target is None else target_key(target, limit)
        # A negative value with a larger absolute value than a negative limit is below the limit.
        tallies[key] = Tally(n, min(beyond if limit >= 0 else n - beyond, n))
    return tallies


def _over(version: int, limit: float, target: str | None) -> Query:
    positive, negative = _names(target)
    return Query(version, positive if limit >= 0 else negative, over(abs(limit)), target=target)


def _names(target: str | None) -> tuple[str, str]:
    """The metrics of values from 0 on and of those below."""
    if target is None:
        return metrics.VALUES, metrics.NEGATIVE_VALUES
    return metrics.TARGET_VALUES, metrics.NEGATIVE_TARGET_VALUES
