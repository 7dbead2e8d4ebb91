"""The files of npm packages that a page needs, from a folder of installed packages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import InputError

OPTION = "--node-modules"


@dataclass(frozen=True, slots=True)
class NodePackage:
    """An npm package: its name, the version that Slipway is tested with, and the files to copy, by their new name."""

    name: str
    version: str
    files: Mapping[str, str]
    license: str


RUNTIME = NodePackage(
    "onnxruntime-web",
    "1.30.0",
    {
        "ort.wasm.bundle.min.mjs": "dist/ort.wasm.bundle.min.mjs",
        "ort-wasm-simd-threaded.wasm": "dist/ort-wasm-simd-threaded.wasm",
    },
    "MIT",
)
TOKENIZERS = NodePackage(
    "@huggingface/tokenizers",
    "0.2.0",
    {"tokenizers.min.mjs": "dist/tokenizers.min.mjs", "tokenizers.LICENSE": "LICENSE"},
    "Apache-2.0",
)


def find_files(package: NodePackage, node_modules: Path) -> dict[str, Path]:
    """The files of an installed package, by their new name.

    Raises:
        InputError: the package is not installed, lacks a file, or is of another version than Slipway is tested with.
    """
    folder = node_modules / package.name
    found = _version(folder / "package.json")
    wanted = f"{package.name}@{package.version}"
    if found is None:
        message = f"{node_modules} has no {package.name}; run `npm ci` in Slipway's checkout, or `npm install {wanted}`"
        raise InputError.of(OPTION, message)
    if found != package.version:
        message = f"{node_modules} has {package.name} {found}, and Slipway is tested with {package.version}"
        raise InputError.of(OPTION, f"{message}; run `npm install {wanted}`")
    files = {name: folder / path for name, path in package.files.items()}
    for file in files.values():
        if not file.is_file():
            raise InputError.of(OPTION, f"{file} is missing; run `npm ci`")
    return files


def _version(path: Path) -> str | None:
    try:
        version = json.loads(path.read_bytes())["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(version)
