"""The registry: numbered, immutable versions in an object store and a table.

A version exists when its record does. The record is written last, on condition that its number has none, so an
interrupted upload leaves objects but no version. After a day, the model's next registration removes those objects; it
first marks the number as abandoned, so that a very slow upload cannot become a version without its objects.
"""

import hashlib
import io
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from slipway.errors import (
    CheckFailedError,
    InputError,
    NotFoundError,
    PackageError,
    SlipwayError,
    UnavailableError,
)
from slipway.models.gates.rules import Check
from slipway.models.manifest import FileEntry, Manifest
from slipway.models.package import MANIFEST, Package, load_package, manifest_text
from slipway.models.registry.stored_version import StoredVersion
from slipway.models.registry.stores import ObjectStore, VersionTable
from slipway.models.registry.versions import (
    Deprecation,
    Origin,
    StoredObject,
    VersionRecord,
    model_prefix,
    version_prefix,
)

UPLOAD_TIME = timedelta(days=1)
"""An upload that takes longer is considered interrupted."""


def utc_now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


class Registry:
    """The versions of all models."""

    def __init__(self, objects: ObjectStore, table: VersionTable, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._objects = objects
        self._table = table
        self._clock = clock

    def register(
        self, package: Package, check: Check, origin: Origin, *, force: str | None = None, above: int = 0
    ) -> VersionRecord:
        """Store a package as the model's next version and return its record.

        The registry allocates the number, which replaces the package's own in the stored manifest. It is higher than
        ``above``, the last version of a model that is also deployed from elsewhere.

        Raises:
            CheckFailedError: ``check`` failed or had no gates, and ``force`` gives no reason to register it anyway.
            PackageError: the package was altered after the check, or in transit.
            ConflictError: the upload took too long and was abandoned.
            UnavailableError: the registry did not answer; `versions` shows whether the version was registered.
        """
        _refuse_unchecked(package, check, force)
        if load_package(package.folder) != package:
            raise PackageError(package.folder / MANIFEST, "has changed since the package was checked")
        self.clean(package.manifest.name)
        number = self._table.allocate(package.manifest.name, above=above)
        text = _numbered(package, number)
        record = VersionRecord(
            **_described(package.manifest),
            number=number,
            manifest_sha256=hashlib.sha256(text).hexdigest(),
            size_bytes=len(text) + sum(entry.bytes for entry in package.manifest.files),
            origin=origin,
            registered_at=self._clock(),
            check=check,
            forced=force,
        )
        try:
            self._upload(package, text, record)
            self._table.add(record)
        except (SlipwayError, KeyboardInterrupt):
            if self._abandoned(record):
                raise
        return record

    def versions(self, model: str) -> list[VersionRecord]:
        """The records of a model's versions, by number."""
        return self._table.versions(model)

    def version(self, model: str, number: int) -> VersionRecord:
        """The record of one version; raises NotFoundError."""
        found = self._table.versions(model, number)
        if not found:
            known = [str(record.number) for record in self._table.versions(model)]
            raise NotFoundError(f"version of {model}", str(number), known, within="the registry")
        return found[0]

    def newest(self, model: str) -> VersionRecord | None:
        """The newest version that is not deprecated, or None."""
        return next((record for record in reversed(self.versions(model)) if record.deprecated is None), None)

    def manifest(self, record: VersionRecord) -> Manifest:
        """The manifest of a version; raises PackageError if it differs from the registered one."""
        return StoredVersion(self._objects, record).manifest()

    def copy_file(self, record: VersionRecord, entry: FileEntry, into: BinaryIO) -> None:
        """Copy one file of a version; raises PackageError if it does not match its manifest."""
        StoredVersion(self._objects, record).copy(entry, into)

    def deprecate(self, model: str, number: int, *, reason: str, by: str) -> VersionRecord:
        """Mark a version as deprecated; an earlier mark stays. Raises NotFoundError."""
        if not reason.strip():
            raise InputError.of("reason", "must not be empty")
        self.version(model, number)
        return self._table.deprecate(model, number, Deprecation(reason=reason, by=by, at=self._clock()))

    def pull(self, model: str, number: int, destination: Path) -> Package:
        """Write a version to the folder ``destination``, completely and checked, or not at all.

        Raises:
            NotFoundError: there is no such version.
            PackageError: an object is missing, a digest differs, or the disk has no room; nothing was written.
            ConflictError: ``destination`` exists and is not this version.
        """
        return StoredVersion(self._objects, self.version(model, number)).pull(destination)

    def clean(self, model: str) -> list[int]:
        """Delete the objects of uploads interrupted more than a day ago, and return their numbers."""
        uploads: dict[int, list[StoredObject]] = {}
        for found in self._objects.listing(model_prefix(model)):
            number = found.key.removeprefix(model_prefix(model)).partition("/")[0]
            if number.isdecimal():
                uploads.setdefault(int(number), []).append(found)
        if not uploads:
            return []
        known = {record.number for record in self._table.versions(model)}
        latest = self._clock() - UPLOAD_TIME
        return [
            number
            for number, objects in sorted(uploads.items())
            if number not in known
            and all(stored.modified < latest for stored in objects)
            and self._removed(model, number, objects)
        ]

    def _removed(self, model: str, number: int, objects: Iterable[StoredObject]) -> bool:
        if not self._table.abandon(model, number):
            return False
        self._objects.delete([stored.key for stored in objects])
        return True

    def _upload(self, package: Package, text: bytes, record: VersionRecord) -> None:
        for entry in package.manifest.files:
            with package.path(entry.path).open("rb") as file:
                self._objects.put(record.prefix + entry.path, file, sha256=entry.sha256)
        self._objects.put(record.prefix + MANIFEST, io.BytesIO(text), sha256=record.manifest_sha256)

    def _abandoned(self, record: VersionRecord) -> bool:
        """Undo a failed upload as far as the registry can be reached; False if the record was stored after all."""
        with suppress(UnavailableError):
            if not self._table.abandon(record.model, record.number):
                return record not in self._table.versions(record.model, record.number)
            prefix = version_prefix(record.model, record.number)
            self._objects.delete([stored.key for stored in self._objects.listing(prefix)])
        return True


def _refuse_unchecked(package: Package, check: Check, force: str | None) -> None:
    if force is not None:
        if not force.strip():
            raise InputError.of("force", "must give a reason, which is kept with the version")
        return
    name = package.manifest.name
    if not check.results:
        raise CheckFailedError(f"{name} has no gates, so nothing was checked; set models.{name}.gates in slipway.yaml")
    if check.failed:
        reasons = "\n".join(f"  {result.name}: {result.sentence}" for result in check.failed)
        raise CheckFailedError(f"the package of {name} did not pass its gates:\n{reasons}")


def _described(manifest: Manifest) -> dict[str, Any]:
    """The fields that a record copies from the manifest."""
    return {
        "model": manifest.name,
        "task": manifest.task,
        "outputs": manifest.outputs,
        "quality": manifest.quality,
        "training": manifest.training,
    }


def _numbered(package: Package, number: int) -> bytes:
    """The manifest's bytes with the registry's number; unchanged if that is the package's own."""
    if package.manifest.version == number:
        return package.path(MANIFEST).read_bytes()
    return manifest_text(package.manifest.model_copy(update={"version": number})).encode()
