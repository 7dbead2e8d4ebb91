"""Counts of a release by segment, as lines of the log: metrics would be charged for each value and version.

`slipway.releases.evidence.segments` sums them up with queries of the log.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

_DIGITS = 6
PARTS, FAILED = "parts", "failed"
TIMED, OVER_P50, OVER_P99 = "timed", "p50", "p99"
SCORED, SCORES = "scored", "scores"
LABELED, VALUED = "labeled", "valued"


class Group(NamedTuple):
    """A group of records that one version predicted: the release's tag, and the places of the segment and its value."""

    tag: str
    version: int
    segment: int
    group: int


def label_count(place: int) -> str:
    """The name of the count of predictions with the release's label of this place."""
    return f"label{place}"


def value_count(place: int) -> str:
    """The name of the count of values over the release's limit of this place."""
    return f"value{place}"


def segment_line(group: Group, counts: Mapping[str, float], timestamp_ms: int) -> str:
    """Return a line without a newline that adds to the counts of a group; counts of 0 are left out."""
    added = {name: round(count, _DIGITS) for name, count in counts.items() if count}
    return json.dumps({"segment": {"time": timestamp_ms, **group._asdict(), **added}}, separators=(",", ":"))
