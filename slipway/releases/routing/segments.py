"""The segments of a release: groups of records by the value of an input, named when the release starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from slipway.models.manifest import Scalar

OTHERS = "other values"


@dataclass(frozen=True, slots=True)
class Segment:
    """An input and its named values; each is a group, and all other values together are one more."""

    input: str
    values: tuple[str, ...]

    @property
    def groups(self) -> int:
        """The number of groups."""
        return len(self.values) + 1

    def group_of(self, record: Mapping[str, Scalar | None]) -> int:
        """The group of a record; a missing value is among the others."""
        value = record.get(self.input)
        if value is None:
            return len(self.values)
        text = str(value).lower() if isinstance(value, bool) else str(value)  # as baselines write it
        return self.values.index(text) if text in self.values else len(self.values)

    def name_of(self, group: int) -> str:
        """The name of a group, for people. A value is shown only if it was named when the release started."""
        return f"{self.input}={self.values[group]}" if group < len(self.values) else f"{self.input}: {OTHERS}"


class GroupKey(NamedTuple):
    """One version's records with one value, or with the other values, of one segment; both by their place."""

    version: int
    segment: int
    group: int


@dataclass(frozen=True, slots=True)
class Segmenting:
    """What serving processes need to count a release by segment; ``tag`` tells its lines from other releases'.

    ``latency`` has each version's limits in milliseconds for `p50` and `p99`, once these are known.
    """

    tag: str
    segments: tuple[Segment, ...]
    latency: Mapping[int, tuple[float, float]]
    labels: tuple[str, ...] = ()
    value_limits: tuple[float, ...] = ()


def dump_segmenting(segmenting: Segmenting) -> dict[str, object]:
    """Convert for JSON."""
    return {
        "tag": segmenting.tag,
        "segments": [[segment.input, list(segment.values)] for segment in segmenting.segments],
        "latency": {str(version): list(limits) for version, limits in segmenting.latency.items()},
        "labels": list(segmenting.labels),
        "value_limits": list(segmenting.value_limits),
    }


def load_segmenting(found: Mapping[str, Any]) -> Segmenting:
    """Convert back what `dump_segmenting` returns; raises KeyError, TypeError or ValueError for anything else."""
    latency = {int(version): (float(p50), float(p99)) for version, (p50, p99) in found["latency"].items()}
    return Segmenting(
        str(found["tag"]),
        tuple(Segment(str(name), tuple(map(str, values))) for name, values in found["segments"]),
        latency,
        tuple(map(str, found["labels"])),
        tuple(map(float, found["value_limits"])),
    )
