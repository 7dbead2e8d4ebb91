"""The ONNX graph of the student: int8 rows of pieces, int8 filters over neighbours, the strongest place of each filter.

One `QLinearConv` has the filters of all widths, and reads the rows as they are stored. Positions behind a text are zero
before and after it, so what else is in the batch changes nothing. A text takes so little that the number of operations
is most of its time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from recipes.graphs import GraphBuilder
from recipes.tweets.ngram_graph import quantize

# Numbers of a row are stored with this added. On processors without VNNI, the sum of two products of a byte and a
# filter's number must fit 16 bits, so a filter has 7 bits.
MIDDLE = 128
LARGEST_WEIGHT = 63
LARGEST_ANSWER = 255


@dataclass(frozen=True)
class Convolution:
    """Filters [filters, row, width] over ``width`` neighbours, with their biases; ``before`` are left of the place.

    ``largest`` is the largest answer of each filter that is told from a larger one.
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
    """The largest answer of each filter in each text, 0 to 255 of ``largest``, [N, filters]."""
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
        # An answer of less than nothing ends at 0, which is what a rectifier would do.
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
    """The filters of all widths, [all filters, row, widest], with zeros around the narrower."""
    before, after = max(each.before for each in convolutions), max(each.after for each in convolutions)
    around = [(before - each.before, after - each.after) for each in convolutions]
    wide = [np.pad(each.filters, ((0, 0), (0, 0), zeros)) for each, zeros in zip(convolutions, around, strict=True)]
    return np.concatenate(wide)


def _voted(graph: GraphBuilder, table: np.ndarray, real: str) -> str:
    """What the dense layer makes of the sum of the rows over the root of their number, [N, labels].

    ``table`` [pieces, labels] is what it makes of each row.
    """
    votes = graph.add("Gather", [_floats(graph, "votes", table), "input_ids"], "votes_of_pieces")
    total = graph.add("ReduceSum", [votes, "places"], "votes_of_text", keepdims=0)
    # The root of a sum of ones is their norm. A text of padding alone has a little more than nothing to divide by.
    ones = graph.add("Gather", [_floats(graph, "nearly_nothing_or_one", np.array([1e-6, 1])), real], "ones")
    root = graph.add("ReduceL2", [ones, "places"], "root_of_length", keepdims=1)
    return graph.add("Div", [total, root], "voted")


def _quantized(graph: GraphBuilder, name: str, scale: np.ndarray, zero: np.ndarray) -> tuple[str, str]:
    return _floats(graph, f"{name}_scale", scale), graph.constant(f"{name}_zero", zero)


def _floats(graph: GraphBuilder, name: str, values: np.ndarray) -> str:
    return graph.constant(name, values.astype(np.float32))


def _integers(graph: GraphBuilder, name: str, values: list[int]) -> str:
    return graph.constant(name, np.array(values, dtype=np.int64))
