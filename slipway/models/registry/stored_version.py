"""One registered version in the object store, read and proven to be what was registered."""

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from slipway.errors import ConflictError, PackageError
from slipway.models.manifest import FileEntry, Manifest
from slipway.models.package import MANIFEST, Package, load_package, parse_manifest
from slipway.models.registry.stores import ObjectStore
from slipway.models.registry.versions import VersionRecord


class StoredVersion:
    """The files of one version, each checked against the digest that its record or its manifest has."""

    def __init__(self, objects: ObjectStore, record: VersionRecord) -> None:
        self._objects = objects
        self._record = record

    def manifest(self) -> Manifest:
        """The manifest; raises PackageError if it differs from the registered one."""
        return parse_manifest(self._manifest_bytes(), f"{self._record.prefix}{MANIFEST}")

    def pull(self, destination: Path) -> Package:
        """Write the version to the folder ``destination``, completely and checked, or not at all.

        Raises:
            PackageError: an object is missing, a digest differs, or the disk has no room; nothing was written.
            ConflictError: ``destination`` exists and is not this version.
        """
        if destination.exists():
            return _as_registered(destination, self._record)
        with _draft(destination) as folder:
            _refuse_without_room(folder, self._record)
            self._download(folder)
            loaded = load_package(folder)
            try:
                folder.rename(destination)
            except OSError:  # another process was faster
                return _as_registered(destination, self._record)
        return Package(destination, loaded.manifest)

    def _download(self, folder: Path) -> None:
        record, text = self._record, self._manifest_bytes()
        (folder / MANIFEST).write_bytes(text)
        manifest = parse_manifest(text, f"{record.prefix}{MANIFEST}")
        if (manifest.name, manifest.version) != (record.model, record.number):
            raise PackageError(f"{record.prefix}{MANIFEST}", f"is of {manifest.name} {manifest.version}")
        for entry in manifest.files:
            target = folder / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                self.copy(entry, file)

    def copy(self, entry: FileEntry, into: BinaryIO) -> None:
        """Copy one file of the version; raises PackageError if it does not match its manifest."""
        key = self._record.prefix + entry.path
        digest, size = hashlib.sha256(), 0
        for piece in self._objects.read(key):
            size += len(piece)
            if size > entry.bytes:
                break
            digest.update(piece)
            into.write(piece)
        if size != entry.bytes or digest.hexdigest() != entry.sha256:
            raise PackageError(key, "was altered in the registry: it does not match its manifest")

    def _manifest_bytes(self) -> bytes:
        key = self._record.prefix + MANIFEST
        text = b"".join(self._objects.read(key))
        if hashlib.sha256(text).hexdigest() != self._record.manifest_sha256:
            raise PackageError(key, "was altered in the registry: it differs from the registered one")
        return text


def _as_registered(folder: Path, record: VersionRecord) -> Package:
    """The package in a folder; raises ConflictError if it is not the version."""
    package = load_package(folder)
    if hashlib.sha256(package.path(MANIFEST).read_bytes()).hexdigest() != record.manifest_sha256:
        raise ConflictError(f"{folder} already exists and is not {record.label} of the registry")
    return package


def _refuse_without_room(folder: Path, record: VersionRecord) -> None:
    free = shutil.disk_usage(folder).free
    if record.size_bytes > free:
        raise PackageError(folder.parent, f"has {free:,} bytes free, but {record.label} needs {record.size_bytes:,}")


@contextmanager
def _draft(destination: Path) -> Iterator[Path]:
    """A new folder beside ``destination`` that is deleted afterwards unless it was renamed."""
    folder = destination.parent / f".{destination.name}.{secrets.token_hex(4)}.draft"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
