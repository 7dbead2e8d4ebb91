"""The store of releases: at most one active release per model, and all past ones."""

from collections.abc import Iterable
from typing import Protocol

from slipway.errors import ConflictError, StaleError
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.routing.serving import ServingStore


class ReleaseStore(ServingStore, Protocol):
    """Release records with optimistic locking. Every method raises UnavailableError if the store is down."""

    def start(self, record: ReleaseRecord) -> ReleaseRecord:
        """Store a new release and return it with its revision.

        Raises:
            ConflictError: the model has an active release; the message names its id.
        """
        ...

    def current(self, models: Iterable[str]) -> list[ReleaseRecord]:
        """The last release of each model that has one, active or not, by a consistent read."""
        ...

    def save(self, record: ReleaseRecord) -> ReleaseRecord:
        """Store a changed release and return it with its new revision; a settled one is also added to the past ones.

        Raises:
            StaleError: another revision was stored in the meantime; it stays.
        """
        ...

    def past(self, model: str) -> list[ReleaseRecord]:
        """The past releases of a model, newest first."""
        ...


def is_active(record: ReleaseRecord) -> bool:
    """Whether a release blocks others from starting: it has not ended, or its actions are not complete."""
    return not record.settled


def refused(active: ReleaseRecord) -> ConflictError:
    """The error for a second release of a model."""
    name = f"release {active.id} of {active.model}"
    if active.phase.ended:
        return ConflictError(
            f"{name} has ended ({active.phase.value}), and the controller is tidying up; try in a minute"
        )
    return ConflictError(
        f"{name} is active ({active.phase.value}: {active.phase.sentence}) "
        "Wait for its end, or end it with `slipway release promote` or `rollback`."
    )


def stale(record: ReleaseRecord) -> StaleError:
    """The error for a revision that is not the latest."""
    return StaleError(f"release {record.id} was changed by somebody else since its revision {record.revision} was read")


def newest_first(records: Iterable[ReleaseRecord]) -> list[ReleaseRecord]:
    """Sort by start time, newest first."""
    return sorted(records, key=lambda record: record.started_at, reverse=True)
