"""Export a package for a device: the package, the part of Slipway that it needs, a lock, and a Greengrass component."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.bundling.sources import imported_files
from slipway.edge.folders import whole_folder
from slipway.edge.greengrass import PLACEHOLDER, component_name, component_version, recipe
from slipway.errors import InputError, PackageError
from slipway.installation import PACKAGE, application_folder
from slipway.models.manifest import BUILT_IN_TASKS
from slipway.models.measurements.golden import prove
from slipway.models.package import MANIFEST, Package
from slipway.models.prediction.predictor import Predictor

EXPORT = "export.json"
_ROOT = PACKAGE.parent
LOCK = application_folder() / "requirements" / "runtime.lock"
"""The lock of Slipway's runtime, which has the digests of the wheels of every platform, arm64 among them."""

_TOP = "slipway/edge/device"
_SCRIPTS = Path(__file__).parent / "scripts"
# Zip has no earlier time; without one, the same export would be another archive each time.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class DeviceExport:
    """A written export: its folder, its archive, and the bytes of the archive and of the files in it."""

    folder: Path
    archive: Path
    recipe: Path
    archive_bytes: int
    bytes: int


def export_device(package: Package, folder: Path, *, lock: Path = LOCK, artifacts: str = PLACEHOLDER) -> DeviceExport:
    """Write the export of a package to ``folder``; an earlier export there is replaced.

    ``artifacts`` is the ``s3://`` address from which Greengrass will fetch the archive.

    Raises:
        GoldenError: the package does not give the answers that its golden records expect on this machine.
        InputError: the lock is missing, or the folder has something else in it.
        PackageError: the package has no golden records, or a task of the user's own.
    """
    if package.manifest.task not in BUILT_IN_TASKS:
        raise PackageError(package.path(MANIFEST), f"task: {package.manifest.task} is not part of Slipway's runtime")
    if not lock.is_file():
        raise InputError.of("--lock", f"{lock} is missing; it is requirements/runtime.lock of Slipway's checkout")
    prove(Predictor(package), required=True)
    manifest = package.manifest
    name, version = component_name(manifest), component_version(manifest)
    with whole_folder(folder, marker=EXPORT) as draft:
        files = {**_contents(package), "requirements.lock": lock}
        _copy(files, draft)
        archive = draft / "artifacts" / name / version / f"{manifest.name}.zip"
        _pack(files, archive)
        written = draft / "recipes" / f"{name}-{version}.yaml"
        written.parent.mkdir()
        written.write_text(recipe(manifest, archive=archive.name, artifacts=artifacts), encoding="utf-8")
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        document = {"component": name, "version": version, "seal": manifest.seal, "archive_sha256": sha256}
        (draft / EXPORT).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        packed, unpacked = archive.stat().st_size, sum(file.stat().st_size for file in files.values())
        places = archive.relative_to(draft), written.relative_to(draft)
    return DeviceExport(folder, folder / places[0], folder / places[1], packed, unpacked)


def _contents(package: Package) -> dict[str, Path]:
    """Every file of the archive but the lock, by its path there."""
    own = {f"package/{each.path}": package.path(each.path) for each in package.manifest.files}
    code = imported_files(_ROOT, _TOP, also="slipway/edge")
    return {
        f"package/{MANIFEST}": package.path(MANIFEST),
        **own,
        **{f"runtime/{path}": file for path, file in code.items()},
        **{file.name: file for file in sorted(_SCRIPTS.glob("*.sh"))},
    }


def _copy(files: Mapping[str, Path], draft: Path) -> None:
    for path, file in files.items():
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, draft / path)
        (draft / path).chmod(_mode(path))


def _pack(files: Mapping[str, Path], archive: Path) -> None:
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(files):
            info = zipfile.ZipInfo(path, _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = _mode(path) << 16
            zipped.writestr(info, files[path].read_bytes())


def _mode(path: str) -> int:
    return 0o755 if path.endswith(".sh") else 0o644
