"""Weights that a captured export keeps in files are there until they are written, and the files are gone afterwards."""

import gc
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from slipway.models.importing.graphs import GraphDraft, read_graph, write_graph
from slipway.models.importing.sources.torch_export import Scratch


def test_a_folder_lasts_as_long_as_its_weights(tmp_path: Path) -> None:
    values = np.arange(4000, dtype=np.float32).reshape(2, 2000)
    draft, folder = _exported(values)
    gc.collect()

    write_graph(tmp_path / "model.onnx", draft)

    (written,) = onnx.load(tmp_path / "model.onnx").graph.initializer
    assert (numpy_helper.to_array(written) == values).all()
    del draft
    gc.collect()
    assert not folder.exists()


def _exported(values: np.ndarray) -> tuple[GraphDraft, Path]:
    """A graph as the capturing exporter leaves it, with its weights in a file of a folder that nobody else holds."""
    scratch = Scratch()
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [info("x", TensorProto.FLOAT, ["n", 2])],
        [info("y", TensorProto.FLOAT, ["n", 2000])],
        [numpy_helper.from_array(values, "w")],
    )
    path = scratch.folder / "captured.onnx"
    onnx.save(helper.make_model(graph), path, save_as_external_data=True, location="weights", size_threshold=0)
    model, weights = read_graph(path)
    return GraphDraft(model, ("x",), "y", [scratch.kept_for(weight) for weight in weights]), scratch.folder
