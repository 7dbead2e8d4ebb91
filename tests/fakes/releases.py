"""A store of releases in this process only."""

from collections.abc import Iterable

from slipway.releases.record.document import ReleaseRecord, dump_record, load_record
from slipway.releases.record.store import is_active, newest_first, refused, stale
from slipway.releases.routing.serving import Serving


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

    def serving(self, models: Iterable[str], *, consistent: bool = False) -> dict[str, Serving]:
        return {record.model: Serving.of(record) for record in self.current(models)}

    def _put(self, record: ReleaseRecord) -> ReleaseRecord:
        self._current[record.model] = dump_record(record)
        if record.settled:
            self._past.setdefault(record.model, {})[record.id] = dump_record(record)
        return record
