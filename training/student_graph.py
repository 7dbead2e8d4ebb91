"""The ONNX graph of the student: int8 rows of pieces, convolutions over neighbours, the strongest place of each filter.

Positions behind a text are zero before and after the convolutions, so what else is in the batch changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from training.graphs import GraphBuilder
from training.ngram_graph import quantize


@dataclass(frozen=True)
class Convolution:
    """Filters [filters, row, width] over ``width`` neighbours, with their biases; ``before`` are left of the place."""

    filters: np.ndarray
    bias: np.ndarray

    @property
    def before(self) -> int:
        return (self.filters.shape[2] - 1) // 2

    @property
    def after(self) -> int:
        return self.filters.shape[2] - 1 - self.before


@dataclass(frozen=True)
class Weights:
    """A trained student. ``rows`` is [pieces, row], the first of them zero; ``dense`` is [filters + row, labels]."""

    rows: np.ndarray
    convolutions: Sequence[Convolution]
    dense: np.ndarray
    bias: np.ndarray


def student_graph(name: str, weights: Weights) -> onnx.ModelProto:
    """Int64 ``input_ids`` [N, T], padded with 0, to float32 ``probabilities`` [N, labels]."""
    graph = GraphBuilder()
    rows = quantize(weights.rows)
    looked_up = graph.add("Gather", [graph.constant("rows", rows.rows), "input_ids"], "looked_up")
    floats = graph.add("Cast", [looked_up], "floats", to=TensorProto.FLOAT)
    channels = graph.add("Transpose", [floats], "channels", perm=[0, 2, 1])
    mask = _mask(graph)
    features = graph.add(
        "Concat", [_strongest(graph, weights, rows.scale, channels, mask), _sum(graph)], "features", axis=1
    )
    # The columns of the rows are in units of their scales, which the next weights take up.
    dense = weights.dense.copy()
    dense[-len(rows.scale) :] *= rows.scale[:, None]
    logits = graph.add("MatMul", [features, _floats(graph, "dense", dense)], "unbiased")
    biased = graph.add("Add", [logits, _floats(graph, "bias", weights.bias)], "logits")
    graph.add("Softmax", [biased], "probabilities", axis=-1)
    return graph.build(
        name,
        {"input_ids": (TensorProto.INT64, ["batch", "length"])},
        {"probabilities": (TensorProto.FLOAT, ["batch", len(weights.bias)])},
    )


def _mask(graph: GraphBuilder) -> str:
    """One at each piece and zero behind the text, [N, 1, T]."""
    real = graph.add("Cast", [graph.add("Sign", ["input_ids"], "signs")], "real", to=TensorProto.FLOAT)
    return graph.add("Unsqueeze", [real, _integers(graph, "middle", [1])], "mask")


def _strongest(graph: GraphBuilder, weights: Weights, scale: np.ndarray, channels: str, mask: str) -> str:
    """The largest answer of each filter in each text, at least 0, [N, filters]."""
    answers = []
    for number, each in enumerate(weights.convolutions):
        filters = _floats(graph, f"filters_{number}", each.filters * scale[None, :, None])
        bias = _floats(graph, f"filter_bias_{number}", each.bias)
        pads = [each.before, each.after]
        answers.append(graph.add("Conv", [channels, filters, bias], f"convolution_{number}", pads=pads))
    beside = graph.add("Concat", answers, "convolutions", axis=1)
    positive = graph.add("Mul", [graph.add("Relu", [beside], "positive"), mask], "masked")
    return graph.add("ReduceMax", [positive, _integers(graph, "places", [2])], "strongest", keepdims=0)


def _sum(graph: GraphBuilder) -> str:
    """The sum of the rows over the square root of their number, [N, row]."""
    total = graph.add("ReduceSum", ["channels", "places"], "total", keepdims=0)
    length = graph.add("ReduceSum", ["real", "middle"], "length", keepdims=1)
    least = graph.add("Max", [length, _floats(graph, "one", np.ones(1))], "at_least_one")
    return graph.add("Div", [total, graph.add("Sqrt", [least], "root_of_length")], "mean")


def _floats(graph: GraphBuilder, name: str, values: np.ndarray) -> str:
    return graph.constant(name, values.astype(np.float32))


def _integers(graph: GraphBuilder, name: str, values: list[int]) -> str:
    return graph.constant(name, np.array(values, dtype=np.int64))
