"""Build ONNX graphs by hand, with exactly the operations that they need."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

# The newest opset that every ONNX Runtime since 1.20 opens.
OPSET = 21
IR_VERSION = 10

Shape = Sequence[int | str]


class GraphBuilder:
    """Collects operations and constants; `constant` and `add` return the name of the value that they add."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        """Add a constant."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operation: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """Add an operation with one output."""
        self._nodes.append(helper.make_node(operation, list(inputs), [output], name=output, **attributes))
        return output

    def build(
        self, name: str, inputs: Mapping[str, tuple[int, Shape]], outputs: Mapping[str, tuple[int, Shape]]
    ) -> onnx.ModelProto:
        """Build and check the graph; inputs and outputs are element type and shape by name."""
        graph = helper.make_graph(self._nodes, name, _values(inputs), _values(outputs), initializer=self._constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="slipway"
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def _values(described: Mapping[str, tuple[int, Shape]]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, kind, list(shape)) for name, (kind, shape) in described.items()]


def features_to_probabilities(graph: GraphBuilder, name: str, features: int, labels: int) -> onnx.ModelProto:
    """Build a tabular classifier: float32 ``features`` [N, features] in, ``probabilities`` [N, labels] out."""
    return graph.build(
        name,
        {"features": (TensorProto.FLOAT, ["batch", features])},
        {"probabilities": (TensorProto.FLOAT, ["batch", labels])},
    )


def save_graph(model: onnx.ModelProto, path: Path) -> None:
    """Write the graph deterministically."""
    path.write_bytes(model.SerializeToString(deterministic=True))


def run_graph(model: onnx.ModelProto, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    """Run the graph on one thread, as in serving, and return its first output."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    output: np.ndarray = session.run(None, dict(tensors))[0]
    return output
