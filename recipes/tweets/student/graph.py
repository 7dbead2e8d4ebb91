"""The ONNX graph of the student: int8 embeddings, int8 convolutions, and the maximum of each filter over the text.

One `QLinearConv` has the filters of all widths and reads the rows as stored. Padding positions are zero before and
after it, so the rest of the batch has no effect. The number of operations dominates the time per text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from recipes.graphs import GraphBuilder
from recipes.tweets.ngram_graph import quantize

# The zero point of rows. On processors without VNNI, the sum of two products of a byte and a filter's weight must fit
# 16 bits, so filters have 7 bits.
MIDDLE = 128
LARGEST_WEIGHT = 63
LARGEST_ANSWER = 255


@dataclass(frozen=True)
class Convolution:
    """Filters [filters, row, width] over ``width`` neighbours, of which ``before`` precede the position, with biases.

    ``largest`` is the output of each filter above which it saturates.
    """

    filters: np.ndarray
    bias: np.ndarray
    largest: np.ndarray

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
    largest = np.concatenate([each.largest for each in weights.convolutions])
    real = graph.add("Sign", ["input_ids"], "real")
    answers = graph.add("Cast", [_strongest(graph, weights, largest, real)], "answers", to=TensorProto.FLOAT)
    by_answer = _floats(graph, "by_answer", weights.dense[: len(largest)] * (largest / LARGEST_ANSWER)[:, None])
    by_filters = graph.add("MatMul", [answers, by_answer], "by_filters")
    biased = graph.add("Add", [by_filters, _floats(graph, "bias", weights.bias)], "biased")
    voted = _voted(graph, weights.rows @ weights.dense[len(largest) :], real)
    graph.add("Softmax", [graph.add("Add", [biased, voted], "logits")], "probabilities", axis=-1)
    return graph.build(
        name,
        {"input_ids": (TensorProto.INT64, ["batch", "length"])},
        {"probabilities": (TensorProto.FLOAT, ["batch", len(weights.bias)])},
    )


def _strongest(graph: GraphBuilder, weights: Weights, largest: np.ndarray, real: str) -> str:
    """The maximum output of each filter in each text, [N, filters], scaled so that 255 is ``largest``."""
    rows = quantize(weights.rows)
    stored = (rows.rows.astype(np.int16) + MIDDLE).astype(np.uint8)
    looked_up = graph.add("Gather", [graph.constant("rows", stored), "input_ids"], "looked_up")
    channels = graph.add("Transpose", [looked_up], "channels", perm=[0, 2, 1])
    filters = side_by_side(weights.convolutions) * rows.scale[None, :, None]
    scale = np.maximum(np.abs(filters).max(axis=(1, 2)), 1e-12) / LARGEST_WEIGHT
    bias = np.concatenate([each.bias for each in weights.convolutions])
    numbers = [
        *_quantized(graph, "row", np.ones(1), np.array([MIDDLE], np.uint8)),
        graph.constant("filters", np.rint(filters / scale[:, None, None]).astype(np.int8)),
        *_quantized(graph, "filter", scale * LARGEST_ANSWER / largest, np.zeros(len(scale), np.int8)),
        # Negative outputs saturate at 0, as with a ReLU.
        *_quantized(graph, "answer", np.ones(1), np.zeros(1, np.uint8)),
        graph.constant("filter_bias", np.rint(bias / scale).astype(np.int32)),
    ]
    pads = [max(each.before for each in weights.convolutions), max(each.after for each in weights.convolutions)]
    found = graph.add("QLinearConv", [channels, *numbers], "convolution", pads=pads)
    places = graph.add("Transpose", [found], "answers_of_places", perm=[0, 2, 1])
    kept = graph.constant("kept", np.array([[0], [LARGEST_ANSWER]], np.uint8))
    masked = graph.add("BitwiseAnd", [places, graph.add("Gather", [kept, real], "mask")], "masked")
    return graph.add("ReduceMax", [masked, _integers(graph, "places", [1])], "strongest", keepdims=0)


def side_by_side(convolutions: Sequence[Convolution]) -> np.ndarray:
    """The filters of all widths, [all filters, row, widest], with narrower filters padded by zeros."""
    before, after = max(each.before for each in convolutions), max(each.after for each in convolutions)
    around = [(before - each.before, after - each.after) for each in convolutions]
    wide = [np.pad(each.filters, ((0, 0), (0, 0), zeros)) for each, zeros in zip(convolutions, around, strict=True)]
    return np.concatenate(wide)


def _voted(graph: GraphBuilder, table: np.ndarray, real: str) -> str:
    """The dense layer applied to the sum of the rows over the square root of their number, [N, labels].

    ``table`` [pieces, labels] is the layer applied to each row.
    """
    votes = graph.add("Gather", [_floats(graph, "votes", table), "input_ids"], "votes_of_pieces")
    total = graph.add("ReduceSum", [votes, "places"], "votes_of_text", keepdims=0)
    # The norm of ones is the square root of their number; a text of only padding must not divide by zero.
    ones = graph.add("Gather", [_floats(graph, "nearly_nothing_or_one", np.array([1e-6, 1])), real], "ones")
    root = graph.add("ReduceL2", [ones, "places"], "root_of_length", keepdims=1)
    return graph.add("Div", [total, root], "voted")


def _quantized(graph: GraphBuilder, name: str, scale: np.ndarray, zero: np.ndarray) -> tuple[str, str]:
    return _floats(graph, f"{name}_scale", scale), graph.constant(f"{name}_zero", zero)


def _floats(graph: GraphBuilder, name: str, values: np.ndarray) -> str:
    return graph.constant(name, values.astype(np.float32))


def _integers(graph: GraphBuilder, name: str, values: list[int]) -> str:
    return graph.constant(name, np.array(values, dtype=np.int64))
