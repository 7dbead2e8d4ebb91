"""A package on disk: load it and check every file, or seal a folder of training output.

`slipway.models.predictor` opens the graph and checks it against the manifest.
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
        """The distributions of inputs and outputs on validation data, read on first use: serving does not need them."""
        from slipway.models.baseline import read_baseline

        return read_baseline(self.folder / BASELINE)

    def path(self, file: str) -> Path:
        """The full path of a file, given its path in the manifest."""
        return self.folder / file


def load_package(folder: Path) -> Package:
    """Load a package and check every file's presence, size and SHA-256, and that there are no others.

    Raises:
        PackageError: a file is missing, altered, malformed, unlisted, or a link out of the folder; it is named.
    """
    package = _listed(folder)
    for entry in package.manifest.files:
        _check_content(folder, entry)
    return package


@contextmanager
def checking_package(folder: Path) -> Iterator[Package]:
    """The package, for a block that opens it while a thread hashes its files; use the block's results only after it.

    Opening a large graph takes about as long as hashing it, so the two run in parallel.

    Raises:
        PackageError: as `load_package` does; it replaces an error of the block.
    """
    package = _listed(folder)
    problems: list[PackageError] = []

    def check() -> None:
        try:
            for entry in package.manifest.files:
                _check_content(folder, entry)
        except PackageError as error:
            problems.append(error)

    checker = Thread(target=check, name=f"check-{folder.name}")
    checker.start()
    try:
        yield package
    finally:
        checker.join()
        if problems:
            raise problems[0]


def _listed(folder: Path) -> Package:
    """The package, with the presence and size of its files checked but not their content."""
    manifest = read_manifest(folder / MANIFEST)
    present = set(_files(folder))
    listed = {entry.path for entry in manifest.files}
    for path in sorted(present - listed - {MANIFEST}):
        raise PackageError(folder / path, f"is in the package but not listed in {MANIFEST}")
    for entry in manifest.files:
        _check_size(folder, entry, present)
    return Package(folder, manifest)


def seal_package(folder: Path, manifest: Mapping[str, Any]) -> Package:
    """List every file of ``folder`` in ``model.yaml``, written last and atomically, and load the result.

    ``manifest`` is the content of ``model.yaml`` without ``files``. Any later change to a file is an error.

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
    """Read a ``model.yaml`` on its own; raises PackageError with the path of each invalid value."""
    try:
        with path.open("rb") as file:
            text = file.read(_MANIFEST_BYTES + 1)
    except OSError as error:
        raise PackageError(path, _unreadable(error)) from error
    if len(text) > _MANIFEST_BYTES:
        raise PackageError(path, f"is over {_MANIFEST_BYTES} bytes, far more than a manifest needs")
    return parse_manifest(text, path)


def parse_manifest(text: bytes, path: Path | str) -> Manifest:
    """Parse the bytes of a ``model.yaml``; raises as `read_manifest` does, naming ``path``."""
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
    """The relative path of every file, with ``/`` between folders; links must lead to a file inside the folder."""
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
        raise PackageError(folder / path, "is a link to a folder; only links to files are allowed")


def _check_size(folder: Path, entry: FileEntry, present: set[str]) -> None:
    path = folder / entry.path
    if entry.path not in present:
        raise PackageError(path, f"is missing, but {MANIFEST} lists it")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise PackageError(path, _unreadable(error)) from error
    if size != entry.bytes:
        raise PackageError(path, f"was altered: it has {size} bytes, but {MANIFEST} says {entry.bytes}")


def _check_content(folder: Path, entry: FileEntry) -> None:
    path = folder / entry.path
    try:
        digest = _sha256(path)
    except OSError as error:
        raise PackageError(path, _unreadable(error)) from error
    if digest != entry.sha256:
        raise PackageError(path, f"was altered: its SHA-256 is {digest}, but {MANIFEST} says {entry.sha256}")


def _entry(folder: Path, path: str) -> dict[str, Any]:
    file = folder / path
    return {"path": path, "bytes": file.stat().st_size, "sha256": _sha256(file)}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    # Large pieces, so that the thread seldom waits for the interpreter lock.
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _write_whole(path: Path, text: str) -> None:
    """Write a temporary file and rename it, so that no reader sees half a manifest."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _unreadable(error: OSError) -> str:
    return "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror or error}"
