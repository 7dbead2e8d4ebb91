"""Marks a version that the judge has rolled back, so that nobody takes it for a good one and no run offers it again."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from slipway.errors import NotFoundError
from slipway.models.registry.versions import Deprecation, VersionRecord
from slipway.releases.controller.reconciler import Notifier
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import HistoryEntry, Phase
from slipway.releases.strategies.transitions import CONTROLLER


class Deprecates(Protocol):
    """Marks versions; `slipway.models.registry.table.DynamoVersionTable` does."""

    def deprecate(self, model: str, number: int, deprecation: Deprecation) -> VersionRecord:
        """Mark a version; an earlier mark stays. Raises NotFoundError and UnavailableError."""
        ...


class MarkingNotifier:
    """A `Notifier` that deprecates the candidates of a release that the judge rolled back, then tells people.

    The controller tells people of each entry until that has succeeded once, and so the mark is not lost either. What an
    operator rolls back is not marked: that says nothing of the version.
    """

    def __init__(self, notifier: Notifier, versions: Deprecates, clock: Callable[[], datetime]) -> None:
        self._notifier = notifier
        self._versions = versions
        self._clock = clock

    def tell(self, record: ReleaseRecord, entries: Sequence[HistoryEntry]) -> None:
        """Mark and tell; raises UnavailableError."""
        for entry in entries:
            if entry.phase is Phase.ROLLED_BACK and entry.by == CONTROLLER:
                self._mark(record, entry)
        self._notifier.tell(record, entries)

    def _mark(self, record: ReleaseRecord, entry: HistoryEntry) -> None:
        why = "; ".join((entry.what, *entry.evidence))
        mark = Deprecation(reason=f"release {record.id}: {why}", by=CONTROLLER, at=self._clock())
        for version in record.candidates:
            try:
                self._versions.deprecate(record.model, version, mark)
            except NotFoundError:
                continue  # it was deployed from slipway.yaml's folder and is in no registry
