"""A package on disk: load it and check every file, or seal a folder of training output or an edited manifest.

`slipway.models.prediction.predictor` opens the graph and checks it against the manifest.
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
from slipway.models.seal import SEAL, seal_of, with_seal

if TYPE_CHECKING:
    from slipway.models.measurements.baseline import Baseline
    from slipway.models.measurements.calibration import Calibration

MANIFEST = "model.yaml"
BASELINE = "baseline.json"
CALIBRATION = "calibration.json"
_MANIFEST_BYTES = 1024 * 1024
_PIECE_BYTES = 4 * 1024 * 1024
_UNSEALED = (
    "was altered: its content does not match its `seal`; restore it, or, if the edit was on purpose, run "
    "`slipway model seal` on its folder"
)
# PyYAML lets Python's own errors through for a value that its type refuses, such as `!!bool maybe` or 2026-13-01.
_YAML_ERRORS = (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError, TypeError)


@dataclass(frozen=True)
class Package:
    """One version of a model on disk, its files checked against its manifest."""

    folder: Path
    manifest: Manifest

    @cached_property
    def baseline(self) -> "Baseline":
        """The distributions of inputs and outputs on validation data, read on first use: serving does not need them."""
        from slipway.models.measurements.baseline import read_baseline

        return read_baseline(self.folder / BASELINE)

    @cached_property
    def calibration(self) -> "Calibration | None":
        """How probable a right answer is, by its score; None for a package that was made without it."""
        from slipway.models.measurements.calibration import read_calibration

        return read_calibration(self.folder / CALIBRATION) if (self.folder / CALIBRATION).exists() else None

    def path(self, file: str) -> Path:
        """The full path of a file, given its path in the manifest."""
        return self.folder / file


def load_package(folder: Path) -> Package:
    """Load a package and check its seal, every file's presence, size and SHA-256, and that there are no others.

    Raises:
        PackageError: a file is missing, altered, malformed, unlisted, or a link out of the folder; it is named.
    """
    package = _listed(folder, read_manifest(folder / MANIFEST))
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
    package = _listed(folder, read_manifest(folder / MANIFEST))
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


def _listed(folder: Path, manifest: Manifest) -> Package:
    """The package, with the presence and size of its files checked but not their content."""
    present = set(_files(folder))
    listed = {entry.path for entry in manifest.files}
    for path in sorted(present - listed - {MANIFEST}):
        raise PackageError(folder / path, f"is in the package but not listed in {MANIFEST}")
    for entry in manifest.files:
        _check_size(folder, entry, present)
    return Package(folder, manifest)


def seal_package(folder: Path, manifest: Mapping[str, Any]) -> Package:
    """List every file of ``folder`` in ``model.yaml``, written last and atomically, and load the result.

    ``manifest`` is the content of ``model.yaml`` without ``files`` and ``seal``. Any later change is an error.

    Raises:
        PackageError: the manifest or the baseline is malformed, the two disagree, or a link leaves the folder.
    """
    entries = [_entry(folder, path) for path in sorted(_files(folder)) if path != MANIFEST]
    sealed = _validated(folder / MANIFEST, {**manifest, "files": entries, SEAL: None})
    require_fitting_baseline(Package(folder, sealed))
    _write_whole(folder / MANIFEST, manifest_text(sealed))
    return load_package(folder)


def seal_manifest(folder: Path) -> Package:
    """Seal ``model.yaml`` as it was edited by hand; its text is kept but for the line of the seal.

    Raises:
        PackageError: the manifest or another file is missing, altered or malformed, or the baseline disagrees.
    """
    require_fitting_baseline(load_edited(folder))
    path = folder / MANIFEST
    _write_whole(path, _sealed_text(_manifest_content(path), path))
    return load_package(folder)


def load_edited(folder: Path) -> Package:
    """Load a package whose ``model.yaml`` may have been edited since it was sealed; raises as `load_package` does."""
    document = _parsed(_manifest_content(folder / MANIFEST), folder / MANIFEST)
    unsealed = {**document, SEAL: None} if isinstance(document, Mapping) else document
    package = _listed(folder, _validated(folder / MANIFEST, unsealed))
    for entry in package.manifest.files:
        _check_content(folder, entry)
    return package


def require_fitting_baseline(package: Package) -> None:
    """Raise PackageError if the inputs, their bounds or the labels of the manifest contradict the baseline."""
    from slipway.models.measurements.baseline_fit import misfits

    if problems := misfits(package.manifest, package.baseline):
        message = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        raise PackageError(package.folder / MANIFEST, message)


def manifest_text(manifest: Manifest) -> str:
    """A manifest as the text of a ``model.yaml``, with the seal of its content."""
    document = manifest.model_dump(mode="json", exclude_unset=True, exclude={SEAL})
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    return _sealed_text(text.encode(), f"{manifest.name}/{manifest.version}/{MANIFEST}")


def _sealed_text(content: bytes, path: Path | str) -> str:
    try:
        text = with_seal(content.decode(), _seal(_parsed(content, path), path))
    except UnicodeDecodeError as error:
        raise PackageError(path, f"is not UTF-8: {error}") from error
    # A flow mapping or a marker of the document's end leaves no place for the line.
    parse_manifest(text.encode(), path)
    return text


def _seal(document: object, path: Path | str) -> str:
    try:
        return seal_of(document if isinstance(document, Mapping) else {})
    except ValueError as error:
        raise PackageError(path, f"cannot be sealed: {error}") from error


def read_manifest(path: Path) -> Manifest:
    """Read a ``model.yaml`` on its own; raises PackageError if its seal differs, or naming each invalid value."""
    return parse_manifest(_manifest_content(path), path)


def _manifest_content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MANIFEST_BYTES + 1)
    except OSError as error:
        raise PackageError(path, _unreadable(error)) from error
    if len(content) > _MANIFEST_BYTES:
        raise PackageError(path, f"is over {_MANIFEST_BYTES} bytes, far more than a manifest needs")
    return content


def parse_manifest(text: bytes, path: Path | str) -> Manifest:
    """Parse the bytes of a ``model.yaml``; raises as `read_manifest` does, naming ``path``."""
    document = _parsed(text, path)
    manifest = _validated(path, document)
    if isinstance(document, Mapping) and SEAL in document and document[SEAL] != _seal(document, path):
        raise PackageError(path, _UNSEALED)
    return manifest


def _parsed(text: bytes, path: Path | str) -> object:
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except _YAML_ERRORS as error:
        raise PackageError(path, f"is not YAML: {error}") from error


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
