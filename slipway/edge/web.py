"""Export a package for the browser: a folder for any static host, which proves itself."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.edge.folders import whole_folder
from slipway.edge.node_packages import RUNTIME, TOKENIZERS, NodePackage, find_files
from slipway.edge.opsets import GraphVersions, require_web_versions
from slipway.edge.web_model import ExportedFile, Kind, web_model
from slipway.errors import PackageError
from slipway.models.manifest import BUILT_IN_TASKS, Manifest
from slipway.models.measurements.golden import GOLDEN, prove
from slipway.models.package import MANIFEST, Package
from slipway.models.prediction.predictor import Predictor

MODEL = "model.json"
_SOURCES = Path(__file__).parent / "web"
_VENDOR = "vendor"
# Beside the page, but not of it: the service worker keeps no copy.
_UNLISTED = ("prove.mjs", "slipway.d.ts", "worker.js")


@dataclass(frozen=True, slots=True)
class WebExport:
    """A written export: its folder, its digest, and its size, of which the runtime is a part."""

    folder: Path
    digest: str
    bytes: int
    runtime_bytes: int
    versions: GraphVersions


def export_web(package: Package, folder: Path, *, node_modules: Path) -> WebExport:
    """Write the export of a package to ``folder``; an earlier export there is replaced.

    ``node_modules`` has the npm packages onnxruntime-web and, for texts, @huggingface/tokenizers.

    Raises:
        GoldenError: the package does not give the answers that its golden records expect on this machine.
        InputError: an npm package is missing, or the folder has something else in it.
        PackageError: the package has no golden records, a task of the user's own, or a graph that the web cannot run.
    """
    _require_built_in(package)
    versions = require_web_versions(package)
    needed = _npm_packages(package.manifest)
    vendored = {name: path for each in needed for name, path in find_files(each, node_modules).items()}
    predictor = Predictor(package)
    prove(predictor, required=True)
    with whole_folder(folder, marker=MODEL) as draft:
        _copy(package, vendored, draft)
        files = list(_listed(package.manifest, draft))
        document = web_model(predictor, files, {each.name: each.version for each in needed})
        (draft / MODEL).write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        (draft / "package.json").write_text(_npm_manifest(package.manifest), encoding="utf-8")
    size = sum(each.bytes for each in files)
    runtime = sum(each.bytes for each in files if each.path.startswith(_VENDOR))
    return WebExport(folder, document["digest"], size, runtime, versions)


def _require_built_in(package: Package) -> None:
    task = package.manifest.task
    if task not in BUILT_IN_TASKS:
        known = ", ".join(BUILT_IN_TASKS)
        raise PackageError(package.path(MANIFEST), f"task: {task} is Python code; a browser runs only {known}")


def _npm_packages(manifest: Manifest) -> tuple[NodePackage, ...]:
    return (RUNTIME, TOKENIZERS) if manifest.tokenizer else (RUNTIME,)


def _data(manifest: Manifest) -> tuple[str, ...]:
    return (manifest.graph.file, *([manifest.tokenizer] if manifest.tokenizer else []), GOLDEN)


def _copy(package: Package, vendored: dict[str, Path], draft: Path) -> None:
    shutil.copytree(_SOURCES, draft, dirs_exist_ok=True)
    for path in _data(package.manifest):
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(package.path(path), draft / path)
    (draft / _VENDOR).mkdir()
    for name, source in vendored.items():
        shutil.copyfile(source, draft / _VENDOR / name)


def _listed(manifest: Manifest, draft: Path) -> Iterator[ExportedFile]:
    data = {*_data(manifest), *(f"{_VENDOR}/{name}" for name in RUNTIME.files if name.endswith(".wasm"))}
    for file in sorted(path for path in draft.rglob("*") if path.is_file()):
        path = file.relative_to(draft).as_posix()
        if path not in _UNLISTED:
            kind: Kind = "data" if path in data else "code"
            yield ExportedFile(path, file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest(), kind)


def _npm_manifest(manifest: Manifest) -> str:
    """The folder is an npm package as well, whose modules Node takes as such."""
    document = {
        "name": manifest.name,
        "version": f"{manifest.version}.0.0",
        "description": manifest.description,
        "private": True,
        "type": "module",
        "exports": {".": {"types": "./slipway.d.ts", "default": "./slipway.js"}},
        "types": "slipway.d.ts",
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
