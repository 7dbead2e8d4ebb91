"""Shows what a release will find out at the present traffic, and when."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from slipway.cli.release.foresight import Foresight, foresee, foresee_at_rates, is_judged, percent, rough_time
from slipway.cli.tables import plain_table
from slipway.releases.controller.reconciler import EvidenceReader
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.strategies.forecast import Forecast, Foreseen

__all__ = ["foreseen_at_rates", "foreseen_now", "is_judged"]

_LEGEND = (
    "Each share is the least that is found worse with 80 % probability by then, seen a minute or two later. Allowed is "
    "the line. For p50 and p99, shares are of requests over the candidate's limit. Proof: how long a candidate that "
    "equals the stable version takes to be proven no worse."
)
_OUTCOMES = " For {metric}: the least share that the test detects, if every request gets its outcome, and when it ends."


def foreseen_now(record: ReleaseRecord, reader: EvidenceReader, now: datetime) -> RenderableType:
    """What a release finds out at the traffic of the last hour."""
    return _shown(foresee(record, reader, now))


def foreseen_at_rates(record: ReleaseRecord, why: str) -> RenderableType:
    """What a release would find out at several rates of requests, and why the present one is not known."""
    return _shown(foresee_at_rates(record, why))


def _shown(seen: Foresight) -> RenderableType:
    return Group(Text(seen.said), _table(seen.found, seen.headings), _legend(seen.found[0][1]))


def _table(found: Sequence[tuple[float | None, Forecast]], horizons: Sequence[str]) -> RenderableType:
    rated = any(rate is not None for rate, _ in found)
    table = plain_table(*(("requests/s",) if rated else ()), "metric", "allowed", *horizons, "proof")
    for rate, each in found:
        for number, row in enumerate(each.rows):
            shown = (f"{rate:g}" if number == 0 else "",) if rate is not None else ()
            table.add_row(*shown, *_cells(row))
    return table


def _cells(row: Foreseen) -> tuple[str, ...]:
    found = ("–" if share is None else percent(share) for share in row.found)
    return (escape(row.metric), percent(row.allowed), *found, "–" if row.minutes is None else rough_time(row.minutes))


def _legend(found: Forecast) -> Text:
    own = [row.metric for row in found.rows if row.metric not in {"errors", "p50", "p99"}]
    return Text(_LEGEND + "".join(_OUTCOMES.format(metric=metric) for metric in own), style="dim")
