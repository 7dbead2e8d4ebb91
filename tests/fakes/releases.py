"""Releases in this process's memory."""

from collections.abc import Iterable
from functools import lru_cache

from slipway.releases.record.document import ReleaseRecord, dump_record, load_record
from slipway.releases.record.store import is_active, newest_first, refused, stale
from slipway.releases.routing.serving import Serving

# Records are frozen, and tests of the controller read each some hundred times.
_loaded = lru_cache(maxsize=1000)(load_record)


class MemoryReleaseStore:
    """A `ReleaseStore` that is gone with the process."""

    def __init__(self) -> None:
        self._current: dict[str, str] = {}
        self._past: dict[str, dict[str, str]] = {}

    def start(self, record: ReleaseRecord) -> ReleaseRecord:
        before = next(iter(self.current([record.model])), None)
        if before is not None and is_active(before):
            raise refused(before)
        return self._put(record.model_copy(update={"revision": before.revision + 1 if before else 1}))

    def current(self, models: Iterable[str]) -> list[ReleaseRecord]:
        return [_loaded(self._current[model]) for model in models if model in self._current]

    def save(self, record: ReleaseRecord) -> ReleaseRecord:
        stored = next(iter(self.current([record.model])), None)
        if stored is None or (stored.id, stored.revision) != (record.id, record.revision):
            raise stale(record)
        return self._put(record.model_copy(update={"revision": record.revision + 1}))

    def past(self, model: str) -> list[ReleaseRecord]:
        return newest_first(map(_loaded, self._past.get(model, {}).values()))

    def serving(self, models: Iterable[str], *, consistent: bool = False) -> dict[str, Serving]:
        return {record.model: Serving.of(record) for record in self.current(models)}

    def _put(self, record: ReleaseRecord) -> ReleaseRecord:
        self._current[record.model] = dump_record(record)
        if record.settled:
            self._past.setdefault(record.model, {})[record.id] = dump_record(record)
        return record
