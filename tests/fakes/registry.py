"""A registry in memory."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from threading import Lock
from typing import BinaryIO

from slipway.errors import NotFoundError, PackageError
from slipway.models.registry.registry import utc_now
from slipway.models.registry.versions import Deprecation, StoredObject, VersionRecord, taken


class MemoryObjectStore:
    """An `ObjectStore` in memory; `content` has its objects."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.content: dict[str, bytes] = {}
        self._modified: dict[str, datetime] = {}
        self._clock = clock

    def put(self, key: str, content: BinaryIO, *, sha256: str) -> None:
        stored = content.read()
        if hashlib.sha256(stored).hexdigest() != sha256:
            raise PackageError(key, "was altered in transit")
        self.content[key] = stored
        self._modified[key] = self._clock()

    def read(self, key: str) -> Iterator[bytes]:
        if key not in self.content:
            raise PackageError(key, "is missing from the registry")
        yield self.content[key]

    def listing(self, prefix: str) -> Iterable[StoredObject]:
        keys = sorted(key for key in self.content if key.startswith(prefix))
        return [StoredObject(key=key, modified=self._modified[key]) for key in keys]

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.content.pop(key, None)


class MemoryVersionTable:
    """A `VersionTable` in memory; None marks an abandoned number."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, int], VersionRecord | None] = {}
        self._allocated: dict[str, int] = {}
        self._lock = Lock()

    def allocate(self, model: str, *, above: int = 0) -> int:
        with self._lock:
            self._allocated[model] = max(self._allocated.get(model, 0), above) + 1
            return self._allocated[model]

    def add(self, record: VersionRecord) -> None:
        with self._lock:
            if (record.model, record.number) in self._records:
                raise taken(record)
            self._records[record.model, record.number] = record

    def abandon(self, model: str, number: int) -> bool:
        with self._lock:
            return self._records.setdefault((model, number), None) is None

    def deprecate(self, model: str, number: int, deprecation: Deprecation) -> VersionRecord:
        with self._lock:
            record = self._records.get((model, number))
            if record is None:
                raise NotFoundError(f"version of {model} in the registry", str(number))
            if record.deprecated is None:
                record = record.model_copy(update={"deprecated": deprecation})
                self._records[model, number] = record
            return record

    def versions(self, model: str, number: int | None = None) -> list[VersionRecord]:
        with self._lock:
            found = [record for record in self._records.values() if record is not None and record.model == model]
        return sorted((r for r in found if number in (None, r.number)), key=lambda record: record.number)
