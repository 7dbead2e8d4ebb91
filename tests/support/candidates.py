"""Candidates that are worse than the text model of `packages`, each in one way, and load and start like any other."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support.packages import WORD_LOGITS, WORDS, text_graph

POISON = "awful"
"""The word on which `failing_graph` fails."""
_SIDE = 256
_ROWS = 64


def failing_graph() -> onnx.ModelProto:
    """Fails at run time on the word `POISON`: its row of logits is missing, so that looking it up is out of bounds."""
    assert WORDS[POISON] == len(WORD_LOGITS) - 1
    return _with_logits(WORD_LOGITS[:-1])


def positive_graph() -> onnx.ModelProto:
    """Predicts `positive`, whatever the text."""
    return _with_logits([[0, 0, 4]] * len(WORD_LOGITS))


def slow_graph(products: int) -> onnx.ModelProto:
    """The same answers after so many products of matrices, which depend on the text and change nothing."""
    graph = text_graph()
    (last,) = (node for node in graph.graph.node if node.op_type == "Softmax")
    constants = {
        "shape": np.array([_ROWS, _SIDE], dtype=np.int64),
        "identity": np.eye(_SIDE, dtype=np.float32),
        "nothing": np.zeros(1, dtype=np.float32),
    }
    work = [
        helper.make_node("Cast", ["input_ids"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["ids"], ["mean"], keepdims=0),
        helper.make_node("Expand", ["mean", "shape"], ["product0"]),
        *(
            helper.make_node("MatMul", [f"product{number}", "identity"], [f"product{number + 1}"])
            for number in range(products)
        ),
        helper.make_node("ReduceMean", [f"product{products}"], ["result"], keepdims=0),
        helper.make_node("Mul", ["result", "nothing"], ["zero"]),
        helper.make_node("Add", [last.input[0], "zero"], ["late"]),
    ]
    last.input[0] = "late"
    nodes = [node for node in graph.graph.node if node is not last]
    del graph.graph.node[:]
    graph.graph.node.extend([*(node for node in nodes if node.op_type != "Softmax"), *work, last])
    graph.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    return graph


def _with_logits(rows: list[list[float]]) -> onnx.ModelProto:
    graph = text_graph()
    (logits,) = (each for each in graph.graph.initializer if each.name == "word_logits")
    logits.CopyFrom(numpy_helper.from_array(np.array(rows, dtype=np.float32), "word_logits"))
    return graph
