"""The results of a release by segment. They are shown and kept, and nothing is decided on them."""

from collections.abc import Iterable
from datetime import datetime

from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.groups import groups_with, unpacked_groups
from slipway.releases.record.phases import Phase
from slipway.releases.statistics.groups import GroupResults, compare_groups
from slipway.releases.strategies.transitions import add_entry


def add_groups(record: ReleaseRecord, windows: Iterable[Window]) -> ReleaseRecord:
    """Add the groups of the windows that are not in the record yet."""
    for window in windows:
        found = window.grouped
        if found is not None and (record.grouped_until is None or found.until > record.grouped_until):
            update = {"groups": groups_with(record.groups, found.groups), "grouped_until": found.until}
            record = record.model_copy(update=update)
    return record


def report_groups(before: ReleaseRecord, after: ReleaseRecord, now: datetime) -> ReleaseRecord:
    """Add the results by segment to the history when the candidates stop to answer beside the stable version."""
    if before.phase is not Phase.RUNNING or after.phase is Phase.RUNNING or not after.groups:
        return after
    return add_entry(after, now, "results by segment", group_results(after).lines)


def group_results(record: ReleaseRecord) -> GroupResults:
    """The results so far, group by group."""
    segments = tuple(segment.unpacked for segment in record.segments)
    outputs = [*map(keys.label_key, record.counted_labels), *map(keys.value_key, record.value_limits)]
    measured = (keys.ERRORS, keys.P50, keys.P99, *((keys.SCORE,) if record.labels else ()), *outputs)
    groups = unpacked_groups(record.groups)
    return compare_groups(segments, groups, measured, stable=record.stable, candidates=record.candidates)
