"""Where releases lie: one active release for each model, and all that have ended."""

from collections.abc import Iterable
from typing import Protocol

from slipway.errors import ConflictError, StaleError
from slipway.releases.record.release_record import ReleaseRecord
from slipway.releases.routing.serving import ServingStore


class ReleaseStore(ServingStore, Protocol):
    """Release records, with optimistic locking. Every method raises UnavailableError where the store is down."""

    def start(self, record: ReleaseRecord) -> ReleaseRecord:
        """Store a new release, and give it back with its revision.

        Raises:
            ConflictError: a release of the model is active; its id is named.
        """
        ...

    def current(self, models: Iterable[str]) -> list[ReleaseRecord]:
        """The last release of each model that has one, active or not; what is read is what was written last."""
        ...

    def save(self, record: ReleaseRecord) -> ReleaseRecord:
        """Store what became of a release, and give it back with its new revision; a settled one joins the past.

        Raises:
            StaleError: somebody else has stored another revision of it, which stays.
        """
        ...

    def past(self, model: str) -> list[ReleaseRecord]:
        """The releases of a model that are over, the newest first."""
        ...


def is_active(record: ReleaseRecord) -> bool:
    """Whether a release keeps others from starting: it has not ended, or what it wants is not done yet."""
    return not record.settled


def refused(active: ReleaseRecord) -> ConflictError:
    """The error for a second release of a model."""
    return ConflictError(
        f"release {active.id} of {active.model} is active ({active.phase.value}: {active.phase.sentence}) "
        "Wait for its end, or end it with `slipway release promote` or `rollback`."
    )


def stale(record: ReleaseRecord) -> StaleError:
    """The error for a revision that is not the last one."""
    return StaleError(f"release {record.id} was changed by somebody else since its revision {record.revision} was read")


def newest_first(records: Iterable[ReleaseRecord]) -> list[ReleaseRecord]:
    """By the time at which they were started."""
    return sorted(records, key=lambda record: record.started_at, reverse=True)
