"""Where releases lie: one active release for each model, and all that have ended."""

from collections.abc import Iterable
from typing import Protocol

from slipway.errors import ConflictError, StaleError
from slipway.releases.record.document import ReleaseRecord, dump_record, load_record
from slipway.releases.routing.serving import Serving, ServingStore


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


class MemoryReleaseStore:
    """Releases in this process only."""

    def __init__(self) -> None:
        self._current: dict[str, str] = {}
        self._past: dict[str, dict[str, str]] = {}

    def start(self, record: ReleaseRecord) -> ReleaseRecord:
        before = next(iter(self.current([record.model])), None)
        if before is not None and is_active(before):
            raise refused(before)
        return self._put(record.model_copy(update={"revision": before.revision + 1 if before else 1}))

    def current(self, models: Iterable[str]) -> list[ReleaseRecord]:
        return [load_record(self._current[model]) for model in models if model in self._current]

    def save(self, record: ReleaseRecord) -> ReleaseRecord:
        stored = next(iter(self.current([record.model])), None)
        if stored is None or (stored.id, stored.revision) != (record.id, record.revision):
            raise stale(record)
        return self._put(record.model_copy(update={"revision": record.revision + 1}))

    def past(self, model: str) -> list[ReleaseRecord]:
        return newest_first(map(load_record, self._past.get(model, {}).values()))

    def serving(self, models: Iterable[str], *, consistent: bool = False) -> dict[str, Serving]:  # noqa: ARG002 - it is
        return {record.model: Serving.of(record) for record in self.current(models)}

    def _put(self, record: ReleaseRecord) -> ReleaseRecord:
        self._current[record.model] = dump_record(record)
        if record.settled:
            self._past.setdefault(record.model, {})[record.id] = dump_record(record)
        return record


def newest_first(records: Iterable[ReleaseRecord]) -> list[ReleaseRecord]:
    """By the time at which they were started."""
    return sorted(records, key=lambda record: record.started_at, reverse=True)
