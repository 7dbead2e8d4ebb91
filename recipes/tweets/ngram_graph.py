"""The ONNX graph of an n-gram classifier: it hashes bigrams of token ids and sums rows of int8 tables.

One MatMulInteger with the mask sums the rows as integers, so padding contributes exactly zero, and a text's sums do not
depend on the rest of its batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from recipes.graphs import GraphBuilder
from recipes.tweets.ngrams import FIRST, SECOND, Tables

_LARGEST = 127


@dataclass(frozen=True)
class Quantized:
    """A table as int8 rows, and the scale of each column."""

    rows: np.ndarray
    scale: np.ndarray


def quantize(table: np.ndarray) -> Quantized:
    """Quantize to symmetric int8 with one scale per column."""
    scale = np.maximum(np.abs(table).max(axis=0), 1e-12) / _LARGEST
    return Quantized(np.rint(table / scale).astype(np.int8), scale.astype(np.float32))


def ngram_graph(name: str, tables: Tables) -> onnx.ModelProto:
    """Int64 ``input_ids`` [N, T], padded with 0, to float32 ``probabilities`` [N, labels]."""
    graph = GraphBuilder()
    kinds = [quantize(table) for table in (tables.unigrams, tables.bigrams) if len(table)]
    sums = _sums(graph, kinds)
    scales = np.vstack([np.diag(kind.scale) for kind in kinds])
    logits = graph.add("MatMul", [sums, graph.constant("scales", scales)], "unscaled_logits")
    scaled = graph.add("Div", [logits, _root_of_length(graph)], "scaled_logits")
    biased = graph.add("Add", [scaled, graph.constant("bias", tables.bias.astype(np.float32))], "logits")
    graph.add("Softmax", [biased], "probabilities", axis=-1)
    return graph.build(
        name,
        {"input_ids": (TensorProto.INT64, ["batch", "length"])},
        {"probabilities": (TensorProto.FLOAT, ["batch", len(tables.bias)])},
    )


def _sums(graph: GraphBuilder, kinds: Sequence[Quantized]) -> str:
    """The concatenated sums of each kind of rows, [N, 3 or 6] as float32; bigrams are the second kind."""
    rows = graph.add("Gather", [graph.constant("unigrams", kinds[0].rows), "input_ids"], "unigram_rows")
    if len(kinds) > 1:
        places = _buckets(graph, kinds[1])
        bigrams = graph.add("Gather", [graph.constant("bigrams", kinds[1].rows), places], "bigram_rows")
        rows = graph.add("Concat", [rows, bigrams], "rows", axis=2)
    real = graph.add("Sign", ["input_ids"], "real")
    middle = graph.constant("middle", np.array([1], dtype=np.int64))
    mask = graph.add("Unsqueeze", [graph.add("Cast", [real], "real_bytes", to=TensorProto.UINT8), middle], "mask")
    sums = graph.add("MatMulInteger", [mask, rows], "sums")
    flat = graph.add("Squeeze", [sums, middle], "flat_sums")
    return graph.add("Cast", [flat], "float_sums", to=TensorProto.FLOAT)


def _buckets(graph: GraphBuilder, by_bucket: Quantized) -> str:
    """The bucket of each token and its successor; padding by -1 before and 1 after shifts every row left by one."""
    following = graph.add("Pad", ["input_ids", _integers(graph, "shift", [0, -1, 0, 1])], "following")
    first = graph.add("Mul", ["input_ids", _integers(graph, "first", [FIRST])], "first_part")
    second = graph.add("Mul", [following, _integers(graph, "second", [SECOND])], "second_part")
    mixed = graph.add("Add", [first, second], "mixed")
    return graph.add("Mod", [mixed, _integers(graph, "bucket_count", [len(by_bucket.rows)])], "buckets")


def _root_of_length(graph: GraphBuilder) -> str:
    """The square root of the number of tokens, [N, 1]."""
    length = graph.add("ReduceSum", ["real", _integers(graph, "last", [1])], "length", keepdims=1)
    return graph.add("Sqrt", [graph.add("Cast", [length], "float_length", to=TensorProto.FLOAT)], "root_of_length")


def _integers(graph: GraphBuilder, name: str, values: list[int]) -> str:
    return graph.constant(name, np.array(values, dtype=np.int64))
