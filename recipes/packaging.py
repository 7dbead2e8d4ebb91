"""Make a sealed package from a trained graph: manifest, baseline and model card."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import onnx

from recipes.graphs import save_graph
from slipway.models.manifest import Manifest, Record
from slipway.models.measurements.pieces import SeenPieces
from slipway.models.measurements.renewal import ValidationRun, write_measurements
from slipway.models.package import Package, load_package, seal_package
from slipway.models.prediction.predictor import Predictor

GRAPH = "model.onnx"
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class Validation:
    """The records that the package is measured on, with their true labels, if any.

    ``golden`` are records that the package may hold word for word, where ``records`` may not be published. ``seen`` has
    the pieces of the training texts, by input.
    """

    records: Sequence[Record]
    labels: Sequence[str] = ()
    golden: Sequence[Record] | None = None
    seen: Mapping[str, SeenPieces] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """The prose of a model card; figures come from the manifest."""

    intended_use: str
    data: str
    method: str
    limits: str
    licence: str


def write_package(
    folder: Path,
    *,
    document: Mapping[str, Any],
    graph: onnx.ModelProto,
    card: Card,
    validation: Validation,
    tokenizer: str | None = None,
) -> Package:
    """Write and seal a package beside ``folder``, then replace ``folder`` with it.

    ``document`` is the content of ``model.yaml`` without ``files``; ``tokenizer`` the content of ``tokenizer.json``.
    """
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    save_graph(graph, draft / GRAPH)
    if tokenizer is not None:
        (draft / TOKENIZER).write_text(tokenizer, encoding="utf-8")
    manifest = _unsealed(document)
    _measure(Package(draft, manifest), validation)
    (draft / "README.md").write_text(model_card(manifest, card), encoding="utf-8")
    seal_package(draft, document)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return load_package(folder)


def _unsealed(document: Mapping[str, Any]) -> Manifest:
    """The manifest with placeholders for files, for code that needs only inputs and outputs."""
    names = [GRAPH, "baseline.json", "README.md", TOKENIZER]
    return Manifest.model_validate({**document, "files": [{"path": n, "bytes": 0, "sha256": "0" * 64} for n in names]})


def _measure(package: Package, validation: Validation) -> None:
    """Answer each record alone, as `slipway.models.measurements.renewal.measure_again` does."""
    predictor = Predictor(package)
    outputs = [output for record in validation.records for output in predictor.predict([record])]
    run = ValidationRun(package, validation.records, outputs, validation.labels, golden=validation.golden)
    write_measurements(replace(run, seen=validation.seen))


def model_card(manifest: Manifest, card: Card) -> str:
    """The README.md of a package."""
    quality = "\n".join(f"| {m.metric} | {m.value:.4g} | {m.data} |" for m in manifest.quality)
    quantized = manifest.quantization
    numbers = f"{quantized.method}. {quantized.description}" if quantized else "Not quantized: float32 throughout."
    sections = {
        "Intended use": card.intended_use,
        "Data": card.data,
        "How it works": card.method,
        "Quality": f"| metric | value | data |\n| --- | --- | --- |\n{quality}",
        "Number format": numbers,
        "Limits": card.limits,
        "Licence": card.licence,
        "Made by": f"`{manifest.training.command}`, seed {manifest.training.seed}.",
    }
    body = "\n\n".join(f"## {title}\n{text}" for title, text in sections.items())
    return f"# {manifest.name}, version {manifest.version}\n\n{manifest.description}\n\n{body}\n"


def write_about(card: Card, path: Path) -> Path:
    """Write what a card says of every version that a recipe trains, for `Draft.from_onnx`, and return the path."""
    sections = {
        "Intended use": card.intended_use,
        "Data": "The labels that came for the model's own predictions; the manifest has their window, rows and digest.",
        "How it works": card.method,
        "Licence": card.licence,
    }
    path.write_text("\n\n".join(f"**{title}.** {text}" for title, text in sections.items()), encoding="utf-8")
    return path


def with_quantization(package: Package, entry: Mapping[str, str]) -> Package:
    """Seal a package with ``quantization`` in its manifest: its graph was written in int8 from the start."""
    document = package.manifest.model_dump(mode="json", exclude_unset=True, exclude={"files", "seal"})
    return seal_package(package.folder, {**document, "quantization": dict(entry)})


def sha256(content: bytes) -> str:
    """The digest of content in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
