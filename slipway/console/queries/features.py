"""Feature groups as slipway.yaml defines them, and the values of one entity as `slipway features get` shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.cli.features import feature_path
from slipway.config import FeatureGroupConfig
from slipway.console.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Value:
    """One feature of one entity; ``expires`` is None in a group without a lifetime, and ``stale`` in its last tenth."""

    group: str
    name: str
    value: object
    at: datetime
    expires: datetime | None
    stale: bool


def values_of(workspace: Workspace, entity: str, identifier: str) -> list[Value]:
    """The stored values of one entity; raises ApiError, and UnavailableError if the API cannot be reached."""
    answer: Mapping[str, Any] = workspace.api().get(feature_path(entity, identifier))
    groups, now = workspace.config().features, workspace.clock()
    return [
        _value(group, name, value, at=datetime.fromisoformat(row["event_time"]), config=groups.get(group), now=now)
        for group, row in answer["groups"].items()
        for name, value in row["values"].items()
    ]


def _value(
    group: str, name: str, value: object, *, at: datetime, config: FeatureGroupConfig | None, now: datetime
) -> Value:
    days = config.ttl_days if config else None
    if days is None:
        return Value(group, name, value, at, None, stale=False)
    lifetime = timedelta(days=days)
    return Value(group, name, value, at, at + lifetime, stale=now > at + 0.9 * lifetime)
