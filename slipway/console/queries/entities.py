"""What is stored of an entity, as `slipway entity show` prints it, and how it is forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.cli.entity.erasing import eraser_of
from slipway.cli.entity.forget import left_behind
from slipway.cli.entity.known import Known, read_known
from slipway.cli.entity.target import EntityTarget, entity_target
from slipway.console.workspace import Workspace
from slipway.monitoring.erasure.eraser import Erased
from slipway.wording import counted

MOST = 200


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased of an entity, the files that could not be read, and what an erasure does not reach."""

    counts: Mapping[str, int]
    unreadable: tuple[str, ...]
    left: tuple[str, ...]


def find(workspace: Workspace, entity: str, identifier: str) -> EntityTarget:
    """An entity where the project is deployed; raises NotFoundError, and UnavailableError if AWS cannot be reached."""
    return entity_target(workspace.config(), workspace.deployed(), entity, identifier)


def life_of(workspace: Workspace, entity: str, identifier: str) -> Known:
    """The newest predictions and the features of an entity; raises as `find` does."""
    return read_known(find(workspace, entity, identifier), None, MOST)


def what_goes(target: EntityTarget, known: Known, now: datetime) -> list[str]:
    """Sentences on what forgetting an entity erases, and what it does not reach."""
    subject, place = target.subject, target.deployed.place
    groups = ", ".join(key.group for key in known.features)
    features = (
        f"its features of {groups}, with all of their history" if groups else "its features (none now) and history"
    )
    more = " or more" if len(known.chapters) == MOST else ""
    predictions = counted(len(known.chapters), "prediction")
    return [
        f"What the lines below name of {subject} is erased from {place}. This cannot be undone.",
        f"Erased: {features}.",
        f"Erased: {predictions}{more} of the index, their captures, cached answers and feedback.",
        "Captures on their way are left out, too, for a day.",
        *(f"Not reached: {each}." for each in left_behind(target.config, now)),
    ]


def forget(target: EntityTarget, now: datetime) -> Forgotten:
    """Erase an entity; it can be run again. Raises UnavailableError if a store cannot be reached."""
    done: Erased = eraser_of(target.deployed, target.config, lambda _folder, _files: None).erase(target.subject, now)
    counts = {name: count for name, count in sorted(done.counts.items()) if count}
    return Forgotten(counts, tuple(done.unreadable), tuple(left_behind(target.config, now)))


def rows_of(known: Known, now: datetime) -> list[dict[str, Any]]:
    """The features of an entity, one row each, with the age of their event."""
    return [
        {
            "group": key.group,
            "name": name,
            "value": value,
            "at": row.event_time,
            "age": max(now - row.event_time, timedelta()),
        }
        for key, row in known.features.items()
        for name, value in row.values.items()
    ]
