"""Multiply-adds of a graph per record, counted from the shapes that ONNX Runtime's profiler reports."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnxruntime as ort

from slipway.models.manifest import Record
from slipway.models.prediction.predictor import Predictor

Shape = Sequence[int]


def multiply_adds(predictor: Predictor, records: Sequence[Record]) -> float:
    """Multiply-adds per record in a batch of ``records``, padding included.

    Matrix products, convolutions, recurrent and attention nodes are counted. Element-wise nodes and trees are not, so a
    graph of only those gives 0.
    """
    package = predictor.package
    with TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        options.log_severity_level = 3
        # Fused and prepacked nodes would hide shapes.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.disable_prepacking", "1")
        path = str(package.path(package.manifest.graph.file))
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        session.run(None, predictor.task.encode(records))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return sum(node_multiply_adds(event.get("args", {})) for event in events if _is_node(event)) / len(records)


def _is_node(event: Mapping[str, Any]) -> bool:
    return event.get("cat") == "Node" and str(event.get("name", "")).endswith("_kernel_time")


def node_multiply_adds(details: Mapping[str, Any]) -> float:
    """Multiply-adds of one node, from the profiler's details: its operator, and its input and output shapes by type."""
    count = _COUNTS.get(str(details.get("op_name")))
    if count is None:
        return 0.0
    shapes = (_shapes(details.get(side, [])) for side in ("input_type_shape", "output_type_shape"))
    return count(*shapes)


def _shapes(typed: Sequence[Mapping[str, Shape]]) -> list[Shape]:
    """``[{"float": [2, 30]}, …]`` without the types."""
    return [shape for entry in typed for shape in entry.values()]


def _product(inputs: Sequence[Shape], outputs: Sequence[Shape]) -> float:
    return float(math.prod(outputs[0]) * inputs[0][-1])


def _gemm(inputs: Sequence[Shape], outputs: Sequence[Shape]) -> float:
    # The left matrix may be transposed, so the inner dimension is not always its last.
    return float(math.prod(inputs[0]) * outputs[0][-1])


def _convolution(inputs: Sequence[Shape], outputs: Sequence[Shape]) -> float:
    weights = max((shape for shape in inputs[1:] if len(shape) == len(inputs[0])), key=math.prod)
    return float(math.prod(outputs[0]) * math.prod(weights[1:]))


def _recurrent(inputs: Sequence[Shape], _outputs: Sequence[Shape]) -> float:
    length, batch = inputs[0][0], inputs[0][1]
    return float(length * batch * (math.prod(inputs[1]) + math.prod(inputs[2])))


def _attention(inputs: Sequence[Shape], outputs: Sequence[Shape]) -> float:
    batch, length, width = inputs[0]
    hidden = outputs[0][-1]
    return float(math.prod(inputs[0]) * inputs[1][-1] + 2 * batch * length * length * max(hidden, width))


_COUNTS: dict[str, Callable[[Sequence[Shape], Sequence[Shape]], float]] = {
    **dict.fromkeys(
        ("MatMul", "FusedMatMul", "MatMulInteger", "MatMulIntegerToFloat", "QLinearMatMul", "DynamicQuantizeMatMul"),
        _product,
    ),
    **dict.fromkeys(("Gemm", "QGemm"), _gemm),
    **dict.fromkeys(("Conv", "ConvInteger", "QLinearConv", "FusedConv"), _convolution),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"), _recurrent),
    **dict.fromkeys(("Attention", "QAttention"), _attention),
}
