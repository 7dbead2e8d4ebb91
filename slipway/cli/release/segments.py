"""The option `--segment`, and the results of a release by segment as a table."""

from collections import defaultdict
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from slipway.config.releases.segments import SegmentConfig
from slipway.config.validation import field_problems
from slipway.errors import InputError
from slipway.releases.evidence.tallies import ERRORS, NOTHING, P50, P99, SCORE, Tally
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.statistics.groups import GroupDifference
from slipway.releases.strategies.groups import group_results

Segments = Annotated[
    list[str] | None,
    typer.Option(
        "--segment", help="Input to show results by, e.g. origin, or carrier=AA,UA. Default: those of slipway.yaml."
    ),
]
_COLUMNS = {ERRORS: "errors", P50: "over p50", P99: "over p99", SCORE: "score"}


def named_segments(options: list[str] | None) -> tuple[SegmentConfig, ...] | None:
    """Parse `Segments`; raises InputError. None if the option is absent."""
    if options is None:
        return None
    pairs = [option.partition("=") for option in options]
    try:
        return tuple(
            SegmentConfig(input=name, values=tuple(values.split(",")) if sign else ()) for name, sign, values in pairs
        )
    except ValidationError as error:
        raise InputError(field_problems(error, prefix="--segment")) from error


def segment_table(record: ReleaseRecord) -> Table | None:
    """Each candidate beside the stable version, group by group; None while nothing is counted."""
    results = group_results(record)
    if not results.differences:
        return None
    by_group: dict[tuple[str, int], dict[str, GroupDifference]] = defaultdict(dict)
    for each in results.differences:
        by_group[each.group, each.version][each.key] = each
    table = Table("segment", "version", "requests", *_COLUMNS.values(), "differs", title_justify="left")
    table.title = f"By segment; each with version {record.stable} behind the slash"
    table.caption, table.caption_justify = escape("\n".join(results.lines)), "left"
    for (group, version), found in by_group.items():
        requests = found.get(ERRORS)
        counts = f"{requests.candidate.n:,.0f} / {requests.stable.n:,.0f}" if requests else ""
        differs = ", ".join(key for key, each in found.items() if each.differs)
        cells = [_cell(found.get(key)) for key in _COLUMNS]
        table.add_row(escape(group), str(version), counts, *cells, differs)
    return table


def _cell(found: GroupDifference | None) -> str:
    return "" if found is None else " / ".join(map(_percent, (found.candidate, found.stable)))


def _percent(tally: Tally) -> str:
    return "–" if tally == NOTHING or not tally.n else f"{100 * tally.mean:.3g} %"
