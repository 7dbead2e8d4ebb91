"""The small part of a release that serving processes poll, stored next to the full record."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from slipway.errors import InputError
from slipway.releases.routing.release import Candidate, Release, Shadowing
from slipway.releases.routing.segments import Segmenting, dump_segmenting, load_segmenting

if TYPE_CHECKING:
    from slipway.releases.record.document import ReleaseRecord


@dataclass(frozen=True, slots=True)
class Serving:
    """The release that serves a model, with its id, phase and revision. It is ``active`` until it is settled.

    ``shadowing`` is set only while the candidates run as shadows, and ``segmenting`` only while they answer beside the
    stable version in a release with segments.
    """

    release: Release
    id: str
    phase: str
    active: bool
    revision: int
    shadowing: Shadowing | None = None
    segmenting: Segmenting | None = None

    @classmethod
    def of(cls, record: "ReleaseRecord") -> "Serving":
        """The serving part of a record."""
        active = not record.settled
        state = (record.id, record.phase.value, active, record.revision)
        return cls(record.serving, *state, record.shadowing, record.segmenting)


class ServingStore(Protocol):
    """Reads the serving part of releases."""

    def serving(self, models: Iterable[str], *, consistent: bool = False) -> Mapping[str, Serving]:
        """The serving part by model, in one read, without models never released. Raises UnavailableError."""
        ...


def dump_serving(serving: Serving) -> str:
    """Serialize to JSON."""
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
            "segmenting": serving.segmenting and dump_segmenting(serving.segmenting),
        }
    )


def load_serving(model: str, text: str) -> Serving:
    """Parse the output of `dump_serving`; raises InputError for anything else."""
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
        # Older versions of Slipway wrote no `shadowing` and no `segmenting`.
        shadowing = Shadowing(*map(float, shares)) if (shares := found.get("shadowing")) else None
        segmenting = load_segmenting(each) if (each := found.get("segmenting")) else None
        state = (found["id"], found["phase"], bool(found["active"]), int(found["revision"]))
        return Serving(release, *state, shadowing, segmenting)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError.of(f"release of {model}", f"was not written by Slipway: {error}") from error
