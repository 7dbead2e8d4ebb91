"""The inputs of a version that come from feature groups, and what a capture says of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.config import FeatureGroupConfig
from slipway.models.manifest import Manifest
from slipway.monitoring.captures.parsing import Capture


@dataclass(frozen=True, slots=True)
class GroupedInputs:
    """A version's inputs that one feature group holds, and the defaults of those that have one."""

    group: str
    entity: str
    names: tuple[str, ...]
    defaults: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ServedGroup:
    """The features of one group that a prediction was made with.

    Attributes:
        time: when the prediction had its features, in milliseconds since 1970.
        values: by feature; None where the record had none.
    """

    prediction: str
    version: int
    time: int
    id: str
    values: Mapping[str, Any]
    of: GroupedInputs

    @property
    def group(self) -> str:
        """The name of the group."""
        return self.of.group

    @property
    def entity(self) -> str:
        """What the features are about."""
        return self.of.entity


def grouped_inputs(
    manifest: Manifest, groups: Mapping[str, FeatureGroupConfig], wanted: Collection[str]
) -> tuple[GroupedInputs, ...]:
    """The inputs of each feature group among ``wanted``, with the defaults that a prediction fills in."""
    names: dict[str, list[str]] = {}
    defaults: dict[str, dict[str, Any]] = {}
    for field in manifest.inputs:
        group = field.group
        if group is None or group not in groups or group not in wanted:
            continue
        names.setdefault(group, []).append(field.name)
        feature = groups[group].features.get(field.name)
        default = field.default if feature is None or feature.default is None else feature.default
        if default is not None:
            defaults.setdefault(group, {})[field.name] = default
    return tuple(
        GroupedInputs(group, groups[group].entity, tuple(found), defaults.get(group, {}))
        for group, found in names.items()
    )


def served_groups(captures: Iterable[Capture], inputs: Mapping[int, Iterable[GroupedInputs]]) -> Iterator[ServedGroup]:
    """The features of each capture whose record named the entity, by the inputs of each version.

    A record that gave all features of an entity itself named none: there is nothing to compare its features with.
    """
    for capture in captures:
        for grouped in inputs.get(capture.version, ()):
            if (id := capture.entities.get(grouped.entity)) is not None:
                values = {name: capture.inputs.get(name) for name in grouped.names}
                yield ServedGroup(capture.id, capture.version, capture.inputs_time, id, values, grouped)
