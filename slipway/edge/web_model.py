"""The document of an export, ``model.json``: what the page and the module know of a model."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from slipway.errors import PackageError
from slipway.models.measurements.golden import GOLDEN
from slipway.models.package import MANIFEST
from slipway.models.prediction.predictor import Predictor

FORMAT = 1
Kind = Literal["code", "data"]

_TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
    "tensor(string)": "string",
}
_FLOATS = ("float32", "float64")


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of the export; ``data`` is what the module reads, ``code`` what the browser loads by its name."""

    path: str
    bytes: int
    sha256: str
    kind: Kind


def web_model(predictor: Predictor, files: Sequence[ExportedFile], runtime: Mapping[str, str]) -> dict[str, Any]:
    """The content of ``model.json``; ``runtime`` has the version of each npm package.

    Raises:
        PackageError: the graph takes or returns a type that JavaScript has no array for.
    """
    manifest = predictor.manifest
    document = manifest.model_dump(mode="json", include={"name", "version", "task", "description", "outputs"})
    return {
        "format": FORMAT,
        **document,
        "inputs": [field.model_dump(mode="json") for field in manifest.inputs],
        "graph": _graph(predictor),
        "tokenizer": manifest.tokenizer,
        "golden": GOLDEN,
        "quality": [item.model_dump(mode="json") for item in manifest.quality],
        "runtime": dict(runtime),
        "digest": _digest(files),
        "files": [{"path": each.path, "bytes": each.bytes, "sha256": each.sha256, "kind": each.kind} for each in files],
    }


def _graph(predictor: Predictor) -> dict[str, Any]:
    graph = predictor.manifest.graph
    inputs = {node.name: _type(predictor, node) for node in predictor.session.get_inputs()}
    floats = [node.name for node in predictor.session.get_outputs() if _TYPES.get(node.type) in _FLOATS]
    if len(floats) != 1:
        raise _refused(predictor, f"graph.outputs: the web needs exactly one of float32 or float64, got {len(floats)}")
    listed = [{"name": name, "type": inputs[name]} for name in graph.inputs]
    return {"file": graph.file, "inputs": listed, "answers": floats[0]}


def _type(predictor: Predictor, node: Any) -> str:
    if node.type not in _TYPES:
        raise _refused(predictor, f"graph.inputs: {node.name} is a {node.type}, which JavaScript has no array for")
    return _TYPES[node.type]


def _digest(files: Sequence[ExportedFile]) -> str:
    """One digest of all files, by which a page tells one export from the next."""
    lines = sorted(f"{each.sha256} {each.path}\n" for each in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _refused(predictor: Predictor, message: str) -> PackageError:
    return PackageError(predictor.package.path(MANIFEST), message)
