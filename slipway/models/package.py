"""A package on disk: read it and check every file, or seal a folder that training has filled.

The graph itself is opened, and held against the manifest, by `slipway.models.predictor`.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from slipway.config.validation import field_problems
from slipway.errors import PackageError
from slipway.models.manifest import FileEntry, Manifest

if TYPE_CHECKING:
    from slipway.models.baseline import Baseline

MANIFEST = "model.yaml"
BASELINE = "baseline.json"
_MANIFEST_BYTES = 1024 * 1024
_PIECE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Package:
    """One version of a model on disk, its files checked against its manifest."""

    folder: Path
    manifest: Manifest

    @cached_property
    def baseline(self) -> "Baseline":
        """The statistics of inputs and outputs on validation data; read at first use, since serving needs none."""
        from slipway.models.baseline import read_baseline

        return read_baseline(self.folder / BASELINE)

    def path(self, file: str) -> Path:
        """Where a file of the package lies, by its path in the manifest."""
        return self.folder / file


def load_package(folder: Path) -> Package:
    """Read a package and check every file of it: presence, size, SHA-256, and that nothing else is there.

    Raises:
        PackageError: naming the file that is missing, altered, malformed, unlisted, or a link out of the folder.
    """
    package = _listed(folder)
    for entry in package.manifest.files:
        _check_content(folder, entry)
    return package


@contextmanager
def checking_package(folder: Path) -> Iterator[Package]:
    """The package, for a block that opens it while a thread hashes its files; what the block made is for use after it.

    Reading a large graph and hashing it take about as long, and a second processor does one of the two.

    Raises:
        PackageError: as `load_package` does, and rather than what the block itself raised.
    """
    package = _listed(folder)
    wrong: list[PackageError] = []

    def check() -> None:
        try:
            for entry in package.manifest.files:
                _check_content(folder, entry)
        except PackageError as error:
            wrong.append(error)

    checker = Thread(target=check, name=f"check-{folder.name}")
    checker.start()
    try:
        yield package
    finally:
        checker.join()
        if wrong:
            raise wrong[0]


def _listed(folder: Path) -> Package:
    """The package with its files present and of their sizes, and not read yet."""
    manifest = read_manifest(folder / MANIFEST)
    present = set(_files(folder))
    listed = {entry.path for entry in manifest.files}
    for path in sorted(present - listed - {MANIFEST}):
        raise PackageError(folder / path, f"is in the package, but {MANIFEST} does not list it")
    for entry in manifest.files:
        _check_size(folder, entry, present)
    return Package(folder, manifest)


def seal_package(folder: Path, manifest: Mapping[str, Any]) -> Package:
    """List every file of ``folder`` in ``model.yaml``, written last and whole, and load the result.

    ``manifest`` is the content of ``model.yaml`` without ``files``. From now on any change to a file is an error.

    Raises:
        PackageError: the manifest or the baseline is malformed, or a link leaves the folder.
    """
    entries = [_entry(folder, path) for path in sorted(_files(folder)) if path != MANIFEST]
    sealed = _validated(folder / MANIFEST, {**manifest, "files": entries})
    _write_whole(folder / MANIFEST, manifest_text(sealed))
    package = load_package(folder)
    _ = package.baseline
    return package


def manifest_text(manifest: Manifest) -> str:
    """A manifest as the text of a ``model.yaml``."""
    document = manifest.model_dump(mode="json", exclude_unset=True)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


def read_manifest(path: Path) -> Manifest:
    """Read a ``model.yaml`` by itself; raises PackageError with the path of each wrong value."""
    try:
        with path.open("rb") as file:
            text = file.read(_MANIFEST_BYTES + 1)
    except OSError as error:
        raise PackageError(path, _unreadable(error)) from error
    if len(text) > _MANIFEST_BYTES:
        raise PackageError(path, f"is over {_MANIFEST_BYTES} bytes; a manifest takes a few thousand")
    return parse_manifest(text, path)


def parse_manifest(text: bytes, path: Path | str) -> Manifest:
    """The manifest in the bytes of a ``model.yaml``; raises as `read_manifest` does, with ``path`` as its place."""
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise PackageError(path, f"is not YAML: {error}") from error
    return _validated(path, document)


def _validated(path: Path | str, document: object) -> Manifest:
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(f"{problem.field}: {problem.message}" for problem in field_problems(error))
        raise PackageError(path, problems) from error


def _files(folder: Path, below: str = "") -> Iterator[str]:
    """Every file of the folder, by its path with ``/``; a link must lead to a file inside."""
    with os.scandir(folder / below) as entries:
        for entry in entries:
            path = f"{below}{entry.name}"
            if entry.is_symlink():
                _refuse_leaving_link(folder, path)
                yield path
            elif entry.is_dir():
                yield from _files(folder, f"{path}/")
            elif entry.is_file():
                yield path
            else:
                raise PackageError(folder / path, "is neither a file nor a folder")


def _refuse_leaving_link(folder: Path, path: str) -> None:
    target = (folder / path).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise PackageError(folder / path, "is a link that leaves the package")
    if target.is_dir():
        raise PackageError(folder / path, "is a link to a folder; a package links to files only")


def _check_size(folder: Path, entry: FileEntry, present: set[str]) -> None:
    path = folder / entry.path
    if entry.path not in present:
        raise PackageError(path, f"is missing, and {MANIFEST} lists it")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise PackageError(path, _unreadable(error)) from error
    if size != entry.bytes:
        raise PackageError(path, f"was altered: it has {size} bytes, and {MANIFEST} says {entry.bytes}")


def _check_content(folder: Path, entry: FileEntry) -> None:
    path = folder / entry.path
    try:
        digest = _sha256(path)
    except OSError as error:
        raise PackageError(path, _unreadable(error)) from error
    if digest != entry.sha256:
        raise PackageError(path, f"was altered: its SHA-256 is {digest}, and {MANIFEST} says {entry.sha256}")


def _entry(folder: Path, path: str) -> dict[str, Any]:
    file = folder / path
    return {"path": path, "bytes": file.stat().st_size, "sha256": _sha256(file)}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    # Pieces so large that the thread seldom waits for its turn at the interpreter.
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _write_whole(path: Path, text: str) -> None:
    """Write beside the folder's name and rename, so that no reader sees half a manifest."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _unreadable(error: OSError) -> str:
    return "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror or error}"
