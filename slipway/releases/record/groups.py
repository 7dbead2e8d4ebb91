"""The segments of a release and the sums of their groups, as its record stores them."""

from collections.abc import Iterable

from slipway.config import VersionNumber
from slipway.releases.evidence.tallies import Groups, Tally
from slipway.releases.record.phases import Stored
from slipway.releases.routing.segments import GroupKey, Segment


class StoredSegment(Stored):
    """A stored `Segment`, whose results are shown apart."""

    input: str
    values: tuple[str, ...]

    @property
    def unpacked(self) -> Segment:
        """Convert back."""
        return Segment(self.input, self.values)


class StoredGroup(Stored):
    """A group's number and sum of outcomes, by the key of their tally."""

    version: VersionNumber
    segment: int
    group: int
    tallies: dict[str, tuple[float, float]]

    @property
    def key(self) -> GroupKey:
        """The group."""
        return GroupKey(self.version, self.segment, self.group)


def unpacked_groups(stored: Iterable[StoredGroup]) -> dict[GroupKey, dict[str, Tally]]:
    """Convert stored groups back."""
    return {each.key: {key: Tally(*sums) for key, sums in each.tallies.items()} for each in stored}


def groups_with(stored: Iterable[StoredGroup], added: Groups) -> tuple[StoredGroup, ...]:
    """The stored groups with more outcomes."""
    groups = unpacked_groups(stored)
    for key, tallies in added.items():
        of_group = groups.setdefault(key, {})
        for name, tally in tallies.items():
            of_group[name] = of_group.get(name, Tally(0, 0)) + tally
    return tuple(
        StoredGroup(**key._asdict(), tallies={name: (tally.n, tally.total) for name, tally in tallies.items()})
        for key, tallies in sorted(groups.items())
    )
