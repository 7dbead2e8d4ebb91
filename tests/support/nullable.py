"""A package whose inputs may be missing, and whose value is the number of those that are."""

from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from slipway.models.manifest import Manifest
from slipway.models.measurements.baseline import measure_baseline, write_baseline
from slipway.models.package import Package, seal_package
from support.packages import manifest_document

INPUTS: list[dict[str, Any]] = [
    {"name": "wind", "type": "float", "group": "weather", "nullable": True, "min": 0, "max": 200},
    {"name": "seats", "type": "integer", "nullable": True},
    {"name": "carrier", "type": "string", "allowed": ["AA", "UA"], "nullable": True},
    {"name": "distance", "type": "float"},
]
WHOLE = {"wind": 3.5, "seats": 120, "carrier": "AA", "distance": 800.0}


def nullable_graph() -> onnx.ModelProto:
    """The value is the number of missing values: three columns through IsNaN or a comparison with the empty text."""
    columns = [("wind", TensorProto.FLOAT), ("seats", TensorProto.FLOAT), ("carrier", TensorProto.STRING)]
    columns.append(("distance", TensorProto.FLOAT))
    counts = []
    nodes = [
        helper.make_node("LabelEncoder", ["carrier"], ["no_carrier"], domain="ai.onnx.ml", keys_strings=[""],
                         values_floats=[1.0], default_float=0.0),
    ]  # fmt: skip
    for name in ("wind", "seats", "distance"):
        nodes += [
            helper.make_node("IsNaN", [name], [f"is_{name}"]),
            helper.make_node("Cast", [f"is_{name}"], [f"no_{name}"], to=TensorProto.FLOAT),
        ]
        counts.append(f"no_{name}")
    nodes.append(helper.make_node("Sum", [*counts, "no_carrier"], ["value"]))
    inputs = [helper.make_tensor_value_info(name, kind, ["n", 1]) for name, kind in columns]
    outputs = [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["n", 1])]
    made = helper.make_graph(nodes, "g", inputs, outputs)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 2)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9)


def make_nullable_package(folder: Path, model: onnx.ModelProto, inputs: list[dict[str, Any]]) -> Package:
    folder.mkdir()
    onnx.save(model, folder / "model.onnx")
    (folder / "README.md").write_text("A model.\n")
    names = [field["name"] for field in inputs]
    document = {
        **manifest_document("flights", 1, "tabular-regression"),
        "inputs": inputs,
        "graph": {"file": "model.onnx", "inputs": [value.name for value in model.graph.input], "outputs": ["value"]},
    }
    records = [{name: WHOLE[name] for name in names}, {name: WHOLE[name] for name in names}]
    records += [{**record, "wind": None, "seats": None} for record in records]
    files = [{"path": path, "bytes": 0, "sha256": "0" * 64} for path in ("model.onnx", "README.md", "baseline.json")]
    manifest = Manifest.model_validate({**document, "files": files})
    write_baseline(folder / "baseline.json", measure_baseline(manifest, records, [{"value": 0.0}] * len(records)))
    return seal_package(folder, document)
