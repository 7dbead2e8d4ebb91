"""Small packages whose models answer a record with any number of labels, or with several values."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from slipway.models.package import Package
from support.packages import manifest_document, seal

LABELS = ("billing", "urgent", "spam mail")
TARGETS = ("width", "height (cm)")
FIELDS = ("a", "b")


def make_labels_package(folder: Path, *, version: int = 1, **changes: Any) -> Package:
    """A label applies where a weighted sum is positive: billing where a > 0, urgent where b > 0, spam where a > b.

    The threshold of urgent is 0.25, so it applies where b > -1.1.
    """
    document = {
        **manifest_document("tiny-labels", version, "tabular-classification"),
        "outputs": {"labels": list(LABELS), "multi_label": True, "thresholds": {"urgent": 0.25}},
        **changes,
    }
    answers = [{"labels": ["billing", "urgent"]}, {"labels": ["urgent"]}]
    return _made(folder, document, [[1, 0, 1], [0, 1, -1]], answers, activation="Sigmoid")


def make_values_package(folder: Path, *, version: int = 1, **changes: Any) -> Package:
    """The width is 2a and the height is b - a."""
    targets = [{"name": TARGETS[0], "unit": "mm"}, {"name": TARGETS[1]}]
    document = {
        **manifest_document("tiny-values", version, "tabular-regression"),
        "outputs": {"targets": targets},
        **changes,
    }
    answers = [{"values": dict(zip(TARGETS, (float(n), 1.0 - n), strict=True))} for n in range(2)]
    return _made(folder, document, [[2, -1], [0, 1]], answers, activation="Identity")


def _made(
    folder: Path, document: dict[str, Any], weights: list[list[int]], answers: list[dict[str, Any]], *, activation: str
) -> Package:
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_linear(np.array(weights, np.float32), activation), folder / "model.onnx")
    fields = [{"name": name, "type": "float", "min": -100, "max": 100} for name in FIELDS]
    graph = {"file": "model.onnx", "inputs": ["features"], "outputs": ["answers"]}
    return seal(folder, {**document, "inputs": fields, "graph": graph}, [{"a": 1.0, "b": 1.0}] * 2, answers)


def _linear(weights: Any, activation: str) -> onnx.ModelProto:
    nodes = [
        helper.make_node("MatMul", ["features", "weights"], ["raw"]),
        helper.make_node(activation, ["raw"], ["answers"]),
    ]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", len(FIELDS)])]
    outputs = [helper.make_tensor_value_info("answers", TensorProto.FLOAT, ["batch", weights.shape[1]])]
    graph = helper.make_graph(nodes, "several", inputs, outputs, [numpy_helper.from_array(weights, "weights")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
