"""The CloudWatch queries about a version's guardrail metrics, and the tallies of their values."""

from collections.abc import Iterator, Mapping

from slipway.config.releases.guardrails import GuardrailMetric
from slipway.config.releases.options import Shadow
from slipway.releases.evidence.queries import COUNT, SUM, Query, over
from slipway.releases.evidence.tallies import Tally, guardrail_key
from slipway.releases.record.document import ReleaseRecord

_LEAST, _MOST = "Minimum", "Maximum"
Found = Mapping[Query, float]


def guardrails_of(record: ReleaseRecord) -> dict[str, GuardrailMetric]:
    """The metrics that are compared; none for shadows, whose answers nobody gets."""
    if isinstance(record.options, Shadow):
        return {}
    return {name: metric for name, metric in record.judge.metrics.items() if metric.enabled}


def guardrail_queries(record: ReleaseRecord, version: int) -> Iterator[Query]:
    """The queries for the number of values, for the bad ones, and for the least and the largest value."""
    for name, metric in guardrails_of(record).items():
        statistics = (COUNT, _bad(metric), _LEAST, _MOST)
        yield from (Query(version, metric.metric, statistic, guardrail=name) for statistic in statistics)


def guardrail_tallies(record: ReleaseRecord, version: int, found: Found) -> dict[str, Tally]:
    """The tally of each metric whose values can all be counted."""
    tallies = {}
    for name, metric in guardrails_of(record).items():
        if _wrong_values(version, name, metric, found) is None:
            n = found.get(Query(version, metric.metric, COUNT, guardrail=name), 0.0)
            total = found.get(Query(version, metric.metric, _bad(metric), guardrail=name), 0.0)
            tallies[guardrail_key(name)] = Tally(n, min(total, n))
    return tallies


def refused_values(record: ReleaseRecord, version: int, found: Found) -> dict[str, str]:
    """What does not count and why, for each metric with a value that cannot be counted."""
    wrong = {name: _wrong_values(version, name, metric, found) for name, metric in guardrails_of(record).items()}
    return {f"{name} of version {version} does not count": why for name, why in wrong.items() if why is not None}


def _bad(metric: GuardrailMetric) -> str:
    return SUM if metric.limit is None else over(metric.limit)


def _wrong_values(version: int, name: str, metric: GuardrailMetric, found: Found) -> str | None:
    """Describe the values that cannot be counted. CloudWatch counts none over a limit if one is negative."""
    least, most = (
        found.get(Query(version, metric.metric, statistic, guardrail=name), 0.0) for statistic in (_LEAST, _MOST)
    )
    if metric.limit is not None:
        return f"a value is {least:g}, and CloudWatch counts no values over a limit beside it" if least < 0 else None
    if least >= 0 and most <= 1:
        return None
    outside = least if least < 0 else most
    return f"a value is {outside:g}, and a mean needs values from 0 to 1: correct it, or set `limit`"
