"""Shows what a release will find out at the present traffic, and when."""

import math
from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from slipway.cli.tables import plain_table
from slipway.errors import UnavailableError
from slipway.releases.controller.present_traffic import present_traffic
from slipway.releases.controller.reconciler import EvidenceReader
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.strategies.forecast import Forecast, Foreseen, Traffic, forecast, minutes_so_far

RATES = (1.0, 10.0, 100.0)
"""The requests per second that a forecast assumes where the traffic is not known."""

# The least design effect that is worth a word.
_ALIKE = 1.1
_MINUTE, _HOUR, _DAY = 1.0, 60.0, 1440.0
_LEGEND = (
    "Each share is the least that is found worse with 80 % probability by then, seen a minute or two later. Allowed is "
    "the line. For p50 and p99, shares are of requests over the candidate's limit. Proof: how long a candidate that "
    "equals the stable version takes to be proven no worse."
)
_OUTCOMES = " For {metric}: the least share that the test detects, if every request gets its outcome, and when it ends."


def is_judged(record: ReleaseRecord) -> bool:
    """Whether there is something to foresee: the release has not ended."""
    return not record.settled and not record.phase.ended


def foreseen_now(record: ReleaseRecord, reader: EvidenceReader, now: datetime) -> RenderableType:
    """What a release finds out at the traffic of the last hour."""
    try:
        traffic = present_traffic(reader, record, now)
    except UnavailableError as error:
        return foreseen_at_rates(record, f"The traffic is unknown: {error}")
    if traffic is None:
        return foreseen_at_rates(record, "There was no traffic in the last hour.")
    so_far = minutes_so_far(record, now)
    minutes = (max(so_far, _MINUTE), so_far + _HOUR, so_far + _DAY)
    found = forecast(record, traffic, minutes)
    headings = ("by now" if so_far >= _MINUTE else "in a minute", "in an hour", "in a day")
    return Group(_said(found, traffic), _table([(None, found)], headings), _legend(found))


def foreseen_at_rates(record: ReleaseRecord, why: str) -> RenderableType:
    """What a release would find out at several rates of requests, and why the present one is not known."""
    found = [(rate, forecast(record, Traffic(60 * rate), (_MINUTE, _HOUR, _DAY))) for rate in RATES]
    table = _table(found, ("in a minute", "in an hour", "in a day"))
    return Group(Text(why), table, _legend(found[0][1]))


def _said(found: Forecast, traffic: Traffic) -> Text:
    rates = found.rates
    beside = "" if math.isinf(rates.stable) else f" and {_count(rates.stable)} to the stable version"
    said = f"{_count(traffic.per_minute)} requests a minute: {_count(rates.candidate)} to the candidate{beside}."
    if any(row.metric in {"errors", "p50", "p99"} for row in found.rows):
        proof = "would take more than 90 days" if found.proof is None else f"takes about {_time(found.proof)}"
        said += f" Proof that it is no worse {proof}."
    bunched = [f"{row.effect:.1f} of {row.metric}" for row in found.rows if _ALIKE <= row.effect < math.inf]
    if bunched:
        said += f" Outcomes are not independent: {', '.join(bunched)} are worth one."
    return Text(said)


def _table(found: Sequence[tuple[float | None, Forecast]], horizons: Sequence[str]) -> RenderableType:
    rated = any(rate is not None for rate, _ in found)
    table = plain_table(*(("requests/s",) if rated else ()), "metric", "allowed", *horizons, "proof")
    for rate, each in found:
        for number, row in enumerate(each.rows):
            shown = (f"{rate:g}" if number == 0 else "",) if rate is not None else ()
            table.add_row(*shown, *_cells(row))
    return table


def _cells(row: Foreseen) -> tuple[str, ...]:
    found = ("–" if share is None else _percent(share) for share in row.found)
    return (escape(row.metric), _percent(row.allowed), *found, "–" if row.minutes is None else _time(row.minutes))


def _legend(found: Forecast) -> Text:
    own = [row.metric for row in found.rows if row.metric not in {"errors", "p50", "p99"}]
    return Text(_LEGEND + "".join(_OUTCOMES.format(metric=metric) for metric in own), style="dim")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _count(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _time(minutes: float) -> str:
    """A rough time: `3 min`, `2.5 h`, `4 days`."""
    if minutes < _HOUR:
        return f"{max(math.ceil(minutes), 1)} min"
    return f"{minutes / _HOUR:.2g} h" if minutes < 2 * _DAY else f"{minutes / _DAY:.2g} days"
