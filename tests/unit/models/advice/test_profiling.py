from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.packages import manifest_document, seal

from slipway.models.advice.operations import multiply_adds, node_multiply_adds
from slipway.models.advice.profiling import profile_package
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor

WIDTHS = (64, 512, 512, 2)
MULTIPLY_ADDS = 64 * 512 + 512 * 512 + 512 * 2


@pytest.fixture
def dense_package(tmp_path: Path) -> Package:
    """Three dense layers, one of which transposes its left matrix."""
    folder = tmp_path / "dense"
    folder.mkdir()
    random = np.random.default_rng(0)
    layers = list(pairwise(WIDTHS))
    weights = [random.normal(0, 0.05, shape).astype(np.float32) for shape in layers]
    constants = [numpy_helper.from_array(weight, f"w{index}") for index, weight in enumerate(weights)]
    nodes = [
        helper.make_node("MatMul", ["features", "w0"], ["h0"]),
        helper.make_node("Relu", ["h0"], ["a0"]),
        helper.make_node("Transpose", ["a0"], ["t0"]),
        helper.make_node("Gemm", ["t0", "w1"], ["a1"], transA=1),
        helper.make_node("MatMul", ["a1", "w2"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", WIDTHS[0]])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 2])]
    graph = helper.make_graph(nodes, "dense", inputs, outputs, initializer=constants)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), folder / "model.onnx"
    )
    fields = [{"name": f"x{index}", "type": "float"} for index in range(WIDTHS[0])]
    document = {
        **manifest_document("dense", 1, "tabular-classification"),
        "inputs": fields,
        "outputs": {"labels": ["no", "yes"]},
        "graph": {"file": "model.onnx", "inputs": ["features"], "outputs": ["probabilities"]},
    }
    records = [{field["name"]: value for field in fields} for value in (0.0, 1.0)]
    return seal(folder, document, records, [{"label": "no", "score": 0.8}, {"label": "yes", "score": 0.9}])


def test_multiply_adds_of_dense_layers_are_those_of_one_record(dense_package: Package) -> None:
    predictor = Predictor(dense_package)
    records = sample_records(dense_package, 8)
    assert multiply_adds(predictor, records) == MULTIPLY_ADDS
    assert multiply_adds(predictor, records[:1]) == MULTIPLY_ADDS


def test_a_graph_of_lookups_has_none(text_package: Package) -> None:
    assert multiply_adds(Predictor(text_package), [{"text": "good"}]) == 0


@pytest.mark.parametrize(
    ("operator", "inputs", "outputs", "expected"),
    [
        ("Conv", [[1, 3, 32, 32], [16, 3, 3, 3], [16]], [[1, 16, 30, 30]], 16 * 30 * 30 * 27),
        ("LSTM", [[10, 2, 8], [1, 64, 8], [1, 64, 16], [1, 128]], [[10, 1, 2, 16]], 10 * 2 * (64 * 8 + 64 * 16)),
        ("MatMulInteger", [[2, 7, 4], [4, 5]], [[2, 7, 5]], 2 * 7 * 5 * 4),
        # Projections to query, key and value, then two products of 7 by 7 positions.
        ("Attention", [[2, 7, 4], [4, 12], [12]], [[2, 7, 4]], 2 * 7 * 4 * 12 + 2 * 2 * 7 * 7 * 4),
        ("Add", [[2, 7], [2, 7]], [[2, 7]], 0),
    ],
)
def test_multiply_adds_of_other_operators(
    operator: str, inputs: list[list[int]], outputs: list[list[int]], expected: float
) -> None:
    details = {
        "op_name": operator,
        "input_type_shape": [{"float": shape} for shape in inputs],
        "output_type_shape": [{"float": shape} for shape in outputs],
    }
    assert node_multiply_adds(details) == expected


def test_a_package_is_profiled(dense_package: Package) -> None:
    profile = profile_package(dense_package, sample_records(dense_package), batch=8, seconds=0.02)
    assert 0 < profile.median_ms <= profile.p99_ms
    assert 0 < profile.edge_ms <= profile.mean_ms
    assert profile.batch_per_second > 0
    assert profile.multiply_adds == MULTIPLY_ADDS
    assert profile.gpu_per_second is None or profile.gpu_per_second > 0


def test_sample_records_run_through_the_baseline(
    text_package: Package, tabular_package: Package, regression_package: Package
) -> None:
    for package in (text_package, tabular_package, regression_package):
        records = sample_records(package, 10)
        assert len(records) == 10
        assert len(Predictor(package).predict(records)) == 10
    lengths = {len(str(record["text"])) for record in sample_records(text_package, 10)}
    assert max(lengths) <= 4  # the baseline's texts are bad, hm and good
    assert all(isinstance(record["age"], int) for record in sample_records(tabular_package, 10))
