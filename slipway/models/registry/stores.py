"""The interfaces of the registry's object store and its table of versions."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol

from slipway.models.registry.versions import Deprecation, StoredObject, VersionRecord


class ObjectStore(Protocol):
    """The store of the packages' files. Every method raises UnavailableError if the store cannot be reached."""

    def put(self, key: str, content: BinaryIO, *, sha256: str) -> None:
        """Store an object; raises PackageError if the received content has another SHA-256."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """Yield the object in pieces; raises PackageError if it is missing or altered."""
        ...

    def listing(self, prefix: str) -> Iterable[StoredObject]:
        """The objects whose keys begin with ``prefix``."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Delete those of the objects that exist."""
        ...


class VersionTable(Protocol):
    """The table of the versions' records. Every method raises UnavailableError if the table cannot be reached."""

    def allocate(self, model: str, *, above: int = 0) -> int:
        """Allocate a unique number, higher than ``above`` and all before it."""
        ...

    def add(self, record: VersionRecord) -> None:
        """Store a new record; raises ConflictError if the number is taken or abandoned."""
        ...

    def abandon(self, model: str, number: int) -> bool:
        """Make sure that the number never becomes a version; False if it already is one."""
        ...

    def deprecate(self, model: str, number: int, deprecation: Deprecation) -> VersionRecord:
        """Mark a version as deprecated and return its record; an earlier mark stays. Raises NotFoundError."""
        ...

    def versions(self, model: str, number: int | None = None) -> list[VersionRecord]:
        """The records of all versions by number, or the one of ``number`` if it exists."""
        ...
