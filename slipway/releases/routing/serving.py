"""What of a release is read with every look at it while it serves: small, and stored beside the whole record."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from slipway.errors import InputError
from slipway.releases.routing.release import Candidate, Release, Shadowing

if TYPE_CHECKING:
    from slipway.releases.record.document import ReleaseRecord


@dataclass(frozen=True, slots=True)
class Serving:
    """What serves a model, of which release, and how far that is. ``active`` until all is done that it wants.

    ``shadowing`` only while the candidates are shadows that score.
    """

    release: Release
    id: str
    phase: str
    active: bool
    revision: int
    shadowing: Shadowing | None = None

    @classmethod
    def of(cls, record: "ReleaseRecord") -> "Serving":
        """What serves according to a record."""
        return cls(record.serving, record.id, record.phase.value, not record.settled, record.revision, record.shadowing)


class ServingStore(Protocol):
    """What serves the models, as far as releases have ever said so."""

    def serving(self, models: Iterable[str], *, consistent: bool = False) -> Mapping[str, Serving]:
        """By model, in one read; without those that were never released. Raises UnavailableError."""
        ...


def dump_serving(serving: Serving) -> str:
    """As JSON."""
    release, shadowing = serving.release, serving.shadowing
    return json.dumps(
        {
            "stable": release.stable,
            "candidates": [[each.version, each.share] for each in release.candidates],
            "strategy": release.strategy,
            "salt": release.salt,
            "sticky": release.sticky,
            "id": serving.id,
            "phase": serving.phase,
            "active": serving.active,
            "revision": serving.revision,
            "shadowing": shadowing and [shadowing.sample, shadowing.tolerance],
        }
    )


def load_serving(model: str, text: str) -> Serving:
    """What `dump_serving` wrote; raises InputError for anything else."""
    try:
        found = json.loads(text)
        release = Release(
            model=model,
            stable=int(found["stable"]),
            candidates=tuple(Candidate(int(version), float(share)) for version, share in found["candidates"]),
            strategy=found["strategy"],
            salt=str(found["salt"]),
            sticky=found["sticky"],
        )
        # What an older version of Slipway has written has no shadows.
        shadowing = Shadowing(*map(float, shares)) if (shares := found.get("shadowing")) else None
        return Serving(release, found["id"], found["phase"], bool(found["active"]), int(found["revision"]), shadowing)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError.of(f"release of {model}", f"was not written by Slipway: {error}") from error
