"""What a release will find out at the present traffic, or at several rates where that is not known."""

import math
from dataclasses import dataclass
from datetime import datetime

from slipway.errors import UnavailableError
from slipway.releases.controller.present_traffic import present_traffic
from slipway.releases.controller.reconciler import EvidenceReader
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.strategies.forecast import Forecast, Traffic, forecast, minutes_so_far

RATES = (1.0, 10.0, 100.0)
"""The requests per second that a forecast assumes where the traffic is not known."""

# The least design effect that is worth a word.
_ALIKE = 1.1
_MINUTE, _HOUR, _DAY = 1.0, 60.0, 1440.0


@dataclass(frozen=True, slots=True)
class Foresight:
    """What a release finds out: a sentence, the headings of the horizons, and a forecast for each rate of requests.

    The rate is None for the present traffic, which then is the only one.
    """

    said: str
    headings: tuple[str, ...]
    found: tuple[tuple[float | None, Forecast], ...]


def is_judged(record: ReleaseRecord) -> bool:
    """Whether there is something to foresee: the release has not ended."""
    return not record.settled and not record.phase.ended


def foresee(record: ReleaseRecord, reader: EvidenceReader, now: datetime) -> Foresight:
    """What a release finds out at the traffic of the last hour; at several rates if that is unknown or none."""
    try:
        traffic = present_traffic(reader, record, now)
    except UnavailableError as error:
        return foresee_at_rates(record, f"The traffic is unknown: {error}")
    if traffic is None:
        return foresee_at_rates(record, "There was no traffic in the last hour.")
    so_far = minutes_so_far(record, now)
    found = forecast(record, traffic, (max(so_far, _MINUTE), so_far + _HOUR, so_far + _DAY))
    headings = ("by now" if so_far >= _MINUTE else "in a minute", "in an hour", "in a day")
    return Foresight(_said(found, traffic), headings, ((None, found),))


def foresee_at_rates(record: ReleaseRecord, why: str) -> Foresight:
    """What a release would find out at several rates of requests, and why the present one is not known."""
    found = tuple((rate, forecast(record, Traffic(60 * rate), (_MINUTE, _HOUR, _DAY))) for rate in RATES)
    return Foresight(why, ("in a minute", "in an hour", "in a day"), found)


def _said(found: Forecast, traffic: Traffic) -> str:
    rates = found.rates
    beside = "" if math.isinf(rates.stable) else f" and {_count(rates.stable)} to the stable version"
    said = f"{_count(traffic.per_minute)} requests a minute: {_count(rates.candidate)} to the candidate{beside}."
    if any(row.metric in {"errors", "p50", "p99"} for row in found.rows):
        proof = "would take more than 90 days" if found.proof is None else f"takes about {rough_time(found.proof)}"
        said += f" Proof that it is no worse {proof}."
    bunched = [f"{row.effect:.1f} of {row.metric}" for row in found.rows if _ALIKE <= row.effect < math.inf]
    if bunched:
        said += f" Outcomes are not independent: {', '.join(bunched)} are worth one."
    return said


def percent(share: float) -> str:
    """A share with three digits: `0.5 %`."""
    return f"{100 * share:.3g} %"


def _count(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def rough_time(minutes: float) -> str:
    """A rough time: `3 min`, `2.5 h`, `4 days`."""
    if minutes < _HOUR:
        return f"{max(math.ceil(minutes), 1)} min"
    return f"{minutes / _HOUR:.2g} h" if minutes < 2 * _DAY else f"{minutes / _DAY:.2g} days"
