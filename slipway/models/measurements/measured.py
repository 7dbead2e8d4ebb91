"""The measurements of versions without their graphs: from the bundle, or else from the registry."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.config import Config
from slipway.errors import NotFoundError, PackageError, UnavailableError
from slipway.models.manifest import FileEntry, Manifest
from slipway.models.package import BASELINE, CALIBRATION, MANIFEST, Package, read_manifest
from slipway.models.registry.registry import Registry

MEASUREMENTS = (BASELINE, CALIBRATION)
"""The files of a package that say what was measured on validation records; an older package may lack some."""


class MeasuredVersions:
    """Reads versions from ``root``, the folder of slipway.yaml, or fetches them to ``cache``, each once.

    Their packages have the manifest and those of `MEASUREMENTS` that there are, and no other file.
    """

    def __init__(self, config: Config, root: Path, registry: Callable[[], Registry], *, cache: Path) -> None:
        self._config = config
        self._root = root
        self._registry = registry
        self._cache = cache
        self._found: dict[tuple[str, int], Package] = {}

    def package(self, model: str, version: int) -> Package:
        """One version.

        Raises:
            PackageError: a file is altered or malformed.
            NotFoundError: neither the bundle nor the registry has the version, or there is no registry.
            UnavailableError: the registry cannot be reached.
        """
        key = (model, version)
        if key not in self._found:
            bundled = self._config.model_folder(self._root, model) / str(version)
            self._found[key] = measured_package(bundled) if bundled.exists() else self._fetched(model, version)
        return self._found[key]

    def _fetched(self, model: str, version: int) -> Package:
        registry, folder = self._open(model, version), self._cache / "measured" / model / str(version)
        record = registry.version(model, version)
        manifest = registry.manifest(record)
        folder.mkdir(parents=True, exist_ok=True)
        # Another thread or process may be reading the same files, so that none may be half written.
        with TemporaryDirectory(dir=folder) as draft:
            for entry in measurements_of(manifest):
                with (Path(draft) / entry.path).open("wb") as file:
                    registry.copy_file(record, entry, file)
                (Path(draft) / entry.path).replace(folder / entry.path)
        return Package(folder, manifest)

    def _open(self, model: str, version: int) -> Registry:
        """The registry; its errors say what was looked for in vain before."""
        folder = self._config.model_folder(self._root, model)
        try:
            return self._registry()
        except NotFoundError as error:
            names = [path.parent.name for path in folder.glob(f"*/{MANIFEST}")]
            known = map(str, sorted(int(name) for name in names if name.isdecimal()))
            raise NotFoundError(f"package of {model}", str(folder / str(version)), known, way_out=str(error)) from error
        except UnavailableError as error:
            reason = f"{folder / str(version)} is not here, and {error.reason}"
            raise UnavailableError(error.dependency, reason) from error


def measured_package(folder: Path) -> Package:
    """The package in a folder with its manifest and measurements; other files may be missing. Raises PackageError."""
    manifest = read_manifest(folder / MANIFEST)
    for entry in measurements_of(manifest):
        try:
            content = (folder / entry.path).read_bytes()
        except OSError as error:
            raise PackageError(folder / entry.path, f"cannot be read: {error.strerror or error}") from error
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise PackageError(folder / entry.path, f"was altered: it is not the file that {MANIFEST} lists")
    return Package(folder, manifest)


def measurements_of(manifest: Manifest) -> Iterator[FileEntry]:
    """The files of a package that are measurements."""
    return (entry for entry in manifest.files if entry.path in MEASUREMENTS)
