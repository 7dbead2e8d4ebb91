"""Small, real packages for tests: graphs made with `onnx`, sealed as training seals them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from slipway.config import FeatureType
from slipway.models.manifest import InputField, Manifest
from slipway.models.measurements.baseline import measure_baseline, write_baseline
from slipway.models.package import Package, seal_package

LABELS = ("negative", "neutral", "positive")
WORDS = {"[PAD]": 0, "[UNK]": 1, "bad": 2, "good": 3, "sunny": 4, "awful": 5}
# One row of logits per word: [UNK] speaks for neutral, the others for one side.
WORD_LOGITS = [[0, 0, 0], [0, 0.5, 0], [3, 0, -1], [-1, 0, 3], [-1, 0, 2], [4, 0, -2]]


def make_text_package(
    folder: Path,
    *,
    name: str = "tiny-sentiment",
    version: int = 1,
    graph_proto: onnx.ModelProto | None = None,
    **changes: Any,
) -> Package:
    """A text classifier whose label follows the words good, sunny, bad and awful; ``folder`` becomes the package.

    ``graph_proto`` is another graph than `text_graph`, of the same inputs and outputs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(graph_proto or text_graph(), folder / "model.onnx")
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    document = {
        **manifest_document(name, version, "text-classification"),
        "inputs": [{"name": "text", "type": "string", "description": "The text", "max_characters": 280}],
        "outputs": {"labels": list(LABELS)},
        "graph": {"file": "model.onnx", "inputs": ["input_ids", "attention_mask"], "outputs": ["probabilities"]},
        "tokenizer": "tokenizer.json",
        **changes,
    }
    outputs = [{"label": label, "score": score} for label, score in zip(LABELS, (0.9, 0.6, 0.8), strict=True)]
    return seal(folder, document, [{"text": "bad"}, {"text": "hm"}, {"text": "good"}], outputs)


def make_tabular_package(
    folder: Path,
    *,
    name: str = "tiny-tabular",
    version: int = 1,
    fields: Sequence[Mapping[str, Any]] = (
        {"name": "radius", "type": "float", "group": "tumour", "min": 0, "max": 100},
        {"name": "smooth", "type": "float", "group": "tumour", "default": 0.5},
        {"name": "age", "type": "integer", "min": 0},
    ),
    **changes: Any,
) -> Package:
    """A classifier of two labels over numbers: `yes` where the sum of the fields is above 10.

    ``fields`` are the manifest's inputs (floats and integers); ``folder`` becomes the package.
    """
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(tabular_graph(len(fields)), folder / "model.onnx")
    document = {
        **manifest_document(name, version, "tabular-classification"),
        "inputs": [dict(field) for field in fields],
        "outputs": {"labels": ["no", "yes"]},
        "graph": {"file": "model.onnx", "inputs": ["features"], "outputs": ["probabilities"]},
        **changes,
    }
    records = [{field["name"]: 1 for field in fields}, {field["name"]: 9 for field in fields}]
    return seal(folder, document, records, [{"label": "no", "score": 0.8}, {"label": "yes", "score": 0.9}])


def make_regression_package(
    folder: Path,
    *,
    name: str = "tiny-price",
    version: int = 1,
    fields: Sequence[str] = ("rooms", "area"),
    **changes: Any,
) -> Package:
    """A regression that adds its fields up, with one graph input for each field."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(regression_graph(fields), folder / "model.onnx")
    document = {
        **manifest_document(name, version, "tabular-regression"),
        "inputs": [{"name": field, "type": "float"} for field in fields],
        "outputs": {"unit": "euro"},
        "graph": {"file": "model.onnx", "inputs": list(fields), "outputs": ["value"]},
        **changes,
    }
    records = [dict.fromkeys(fields, 1.0), dict.fromkeys(fields, 2.0)]
    return seal(folder, document, records, [{"value": float(len(fields))}, {"value": 2.0 * len(fields)}])


def manifest_document(name: str, version: int, task: str) -> dict[str, Any]:
    """What every manifest of a test has."""
    return {
        "format": 1,
        "name": name,
        "version": version,
        "task": task,
        "description": "A package for tests.",
        "inputs": [],
        "outputs": {},
        "graph": {},
        "training": {"command": "pytest", "data": [{"name": "made up", "rows": 3}], "seed": 0},
        "quality": [{"metric": "accuracy", "value": 1.0, "data": "made up"}],
    }


def seal(
    folder: Path, document: dict[str, Any], records: list[dict[str, Any]], outputs: list[dict[str, Any]]
) -> Package:
    """Write the model card and the baseline, and seal."""
    (folder / "README.md").write_text(f"# {document['name']}\n\nFor tests.\n", encoding="utf-8")
    named = [
        {"path": path, "bytes": 0, "sha256": "0" * 64} for path in ("README.md", "baseline.json", "tokenizer.json")
    ]
    graph = {"path": document["graph"]["file"], "bytes": 0, "sha256": "0" * 64}
    draft = Manifest.model_validate({**document, "files": [*named, graph]})
    complete = [{field.name: _valid(field, record.get(field.name)) for field in draft.inputs} for record in records]
    write_baseline(folder / "baseline.json", measure_baseline(draft, complete, outputs))
    return seal_package(folder, document)


def seal_again(package: Package, **changes: Any) -> Package:
    """Seal a package whose files a test changed, with ``changes`` to its manifest, and a baseline that fits them."""
    known = package.manifest.model_dump(mode="json", exclude_unset=True, exclude={"files", "seal"})
    document = {**known, **changes}
    if {"inputs", "outputs"} & changes.keys():
        files = [entry.model_dump() for entry in package.manifest.files]
        draft = Manifest.model_validate({**document, "files": files})
        labels = draft.outputs.labels
        outputs = [{"label": label, "score": 0.9} for label in labels] if labels else [{"value": 1.0}]
        record = {field.name: _valid(field, None) for field in draft.inputs}
        write_baseline(package.path("baseline.json"), measure_baseline(draft, [record] * len(outputs), outputs))
    return seal_package(package.folder, document)


def text_graph() -> onnx.ModelProto:
    """Sum the logits of the words that the mask keeps, and softmax."""
    logits = numpy_helper.from_array(np.array(WORD_LOGITS, dtype=np.float32), "word_logits")
    axis = numpy_helper.from_array(np.array([1], dtype=np.int64), "axis")
    last = numpy_helper.from_array(np.array([2], dtype=np.int64), "last")
    nodes = [
        helper.make_node("Gather", ["word_logits", "input_ids"], ["looked_up"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["mask3"]),
        helper.make_node("Mul", ["looked_up", "mask3"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axis"], ["summed"], keepdims=0),
        helper.make_node("Softmax", ["summed"], ["probabilities"], axis=-1),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    return _model(nodes, inputs, "probabilities", ["batch", 3], [logits, axis, last])


def tabular_graph(width: int, *, input_type: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """Softmax over (0, sum of the fields - 10)."""
    weights = numpy_helper.from_array(np.array([[0, 1]] * width, dtype=np.float32), "weights")
    bias = numpy_helper.from_array(np.array([0, -10], dtype=np.float32), "bias")
    nodes = [
        helper.make_node("Cast", ["features"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Gemm", ["floats", "weights", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    inputs = [helper.make_tensor_value_info("features", input_type, ["batch", width])]
    return _model(nodes, inputs, "probabilities", ["batch", 2], [weights, bias])


def regression_graph(fields: Sequence[str]) -> onnx.ModelProto:
    """The sum of one [batch, 1] input for each field."""
    nodes = [helper.make_node("Sum", list(fields), ["value"])]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1]) for name in fields]
    return _model(nodes, inputs, "value", ["batch", 1], [])


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    output: str,
    shape: list[str | int],
    constants: list[onnx.TensorProto],
) -> onnx.ModelProto:
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
    graph = helper.make_graph(nodes, "test", inputs, outputs, initializer=constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _valid(field: InputField, value: Any) -> Any:
    """``value`` if the field permits it, else a value that it does."""
    if field.allowed is not None:
        return value if value in field.allowed else field.allowed[0]
    if field.type is FeatureType.BOOLEAN:
        return bool(value)
    if field.type is FeatureType.STRING:
        return "a" if value is None else value
    value = 1 if value is None else value
    return min(max(value, field.min or value), field.max or value)
