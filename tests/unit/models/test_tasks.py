from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.packages import (
    make_regression_package,
    make_tabular_package,
    make_text_package,
    regression_graph,
    seal_again,
    tabular_graph,
)
from tokenizers import Tokenizer

from slipway.errors import PackageError, PredictionError
from slipway.models.package import Package
from slipway.models.prediction.graph_fit import GraphSpec, TensorSpec
from slipway.models.prediction.predictor import Predictor
from slipway.models.prediction.tasks import TextClassification, make_task

OWN_TASK = """
import numpy as np

class Doubled:
    def __init__(self, package, graph):
        self.name = graph.inputs[0].name

    def encode(self, records):
        return {self.name: np.array([[record["a"]] for record in records], np.float32)}

    def decode(self, tensors):
        return [{"twice": 2 * value} for value in tensors[0].reshape(-1).tolist()]

class Short(Doubled):
    def decode(self, tensors):
        return []

class Failing(Doubled):
    def encode(self, records):
        return records[0]["b"]

class NoTask:
    pass

def function(package, graph):
    return None
"""


def _reseal(package: Package, model: onnx.ModelProto | None = None, /, **changes: Any) -> Package:
    """Replace the graph or parts of a package's manifest, and seal it again."""
    if model is not None:
        onnx.save(model, package.folder / "model.onnx")
    return seal_again(package, **changes)


def _spec(name: str, kind: type[Any], *shape: int | None) -> TensorSpec:
    return TensorSpec(name, np.dtype(kind), shape)


@pytest.fixture
def own_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    (tmp_path / "own_tasks.py").write_text(OWN_TASK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "own_tasks", raising=False)
    return make_regression_package(tmp_path / "p", fields=["a"], task="own_tasks:Doubled")


def test_text_is_padded_to_the_longest(text_package: Package) -> None:
    task = Predictor(text_package).task
    tensors = task.encode([{"text": "good sunny day"}, {"text": "bad"}, {"text": ""}])
    assert tensors["input_ids"].tolist() == [[3, 4, 1], [2, 0, 0], [0, 0, 0]]
    assert tensors["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert tensors["input_ids"].dtype == np.int64


def test_empty_text_is_one_token_of_padding(text_package: Package) -> None:
    tensors = Predictor(text_package).task.encode([{"text": ""}, {"text": " "}])
    assert tensors["input_ids"].tolist() == [[0], [0]]
    assert tensors["attention_mask"].tolist() == [[0], [0]]


def test_the_tokenizers_own_truncation_and_pad_id_stay(tmp_path: Path) -> None:
    package = make_text_package(tmp_path / "p")
    path = package.folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=128, pad_id=5, pad_token="awful", pad_to_multiple_of=8)
    tokenizer.save(str(path))
    tensors = Predictor(_reseal(package)).task.encode([{"text": "good good good good"}, {"text": "bad"}])
    assert tensors["input_ids"].tolist() == [[3, 3], [2, 5]]


def test_token_types_are_given_where_the_graph_takes_them(text_package: Package) -> None:
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = tuple(_spec(name, np.int32, None, None) for name in names)
    task = TextClassification(text_package, GraphSpec(inputs, (_spec("probabilities", np.float32, None, 3),)))
    assert {name: tensor.dtype for name, tensor in task.encode([{"text": "good"}]).items()} == dict.fromkeys(
        names, np.dtype(np.int32)
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokenizer": None}, r"model.yaml: tokenizer: is required for text-classification"),
        ({"tokenizer": "README.md"}, r"README.md: is not a tokenizer"),
        ({"inputs": [{"name": "a", "type": "float"}]}, r"inputs: text-classification takes exactly one input"),
        ({"inputs": [{"name": n, "type": "string"} for n in "ab"]}, r"inputs: text-classification takes exactly one"),
        ({"outputs": {"labels": ["a", "b"]}}, r"graph.outputs: probabilities has 3 columns; it must have 2"),
        ({"task": "tabular-classification"}, r"graph.inputs: 2 for 1 fields"),
    ],
)
def test_a_text_package_fits_its_task(text_package: Package, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PackageError, match=message):
        Predictor(_reseal(text_package, **changes))


def test_a_text_graph_takes_tokens(tmp_path: Path) -> None:
    package = make_text_package(tmp_path / "p")
    graph = {"file": "model.onnx", "inputs": ["features"], "outputs": ["probabilities"]}
    with pytest.raises(PackageError, match=r"graph.inputs: text-classification needs input_ids"):
        Predictor(_reseal(package, tabular_graph(2), graph=graph, outputs={"labels": ["no", "yes"]}))


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        ([{"name": "a", "type": "float"}], TensorProto.FLOAT, r"graph.inputs: features has shape \(None, 2\)"),
        ([{"name": n, "type": "string"} for n in "ab"], TensorProto.FLOAT, r"inputs.a: is string, but .* is float32"),
        ([{"name": n, "type": "float"} for n in "ab"], TensorProto.INT64, r"inputs.a: is float, but .* is int64"),
    ],
)
def test_a_matrix_fits_its_fields(tmp_path: Path, fields: list[dict[str, Any]], kind: int, message: str) -> None:
    package = make_tabular_package(tmp_path / "p", fields=[{"name": "a", "type": "float"}])
    with pytest.raises(PackageError, match=message):
        Predictor(_reseal(package, tabular_graph(2, input_type=kind), inputs=fields))


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32])
def test_a_matrix_takes_the_graphs_type(tmp_path: Path, kind: int) -> None:
    fields = [{"name": "a", "type": "integer"}, {"name": "b", "type": "boolean"}]
    package = make_tabular_package(tmp_path / "p", fields=fields)
    predictor = Predictor(_reseal(package, tabular_graph(2, input_type=kind)))
    outputs = predictor.predict([{"a": 12, "b": True}, {"a": 2, "b": True}])
    assert [output["label"] for output in outputs] == ["yes", "no"]


def test_the_order_of_columns_is_the_manifests(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Sub", ["b", "a"], ["value"])],
        "difference",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in ("a", "b")],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["n", 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    package = make_regression_package(tmp_path / "p", fields=["low", "high"])
    sealed = _reseal(package, model, graph={"file": "model.onnx", "inputs": ["a", "b"], "outputs": ["value"]})
    assert Predictor(sealed).predict([{"high": 5.0, "low": 2.0}]) == [{"value": 3.0}]


def test_strings_go_into_string_columns(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Equal", ["colour", "red"], ["is_red"]),
        helper.make_node("Cast", ["is_red"], ["v"], to=1),
    ]
    red = helper.make_tensor("red", TensorProto.STRING, [1], [b"red"])
    graph = helper.make_graph(
        [*nodes, helper.make_node("Add", ["v", "size"], ["value"])],
        "mixed",
        [
            helper.make_tensor_value_info("colour", TensorProto.STRING, ["n", 1]),
            helper.make_tensor_value_info("size", TensorProto.FLOAT, ["n", 1]),
        ],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["n", 1])],
        initializer=[red],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=10)
    package = make_regression_package(tmp_path / "p")
    inputs = [{"name": "colour", "type": "string"}, {"name": "size", "type": "float"}]
    names = {"file": "model.onnx", "inputs": ["colour", "size"], "outputs": ["value"]}
    predictor = Predictor(_reseal(package, model, inputs=inputs, graph=names))
    assert predictor.predict([{"colour": "red", "size": 0.5}, {"colour": "blue", "size": 2.0}]) == [
        {"value": 1.5},
        {"value": 2.0},
    ]


def test_a_column_is_one_wide(tmp_path: Path) -> None:
    package = make_regression_package(tmp_path / "p")
    wide = regression_graph(["rooms", "area"])
    for node in wide.graph.input:
        node.type.tensor_type.shape.dim[1].dim_value = 2
    wide.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 2
    with pytest.raises(PackageError, match=r"graph.inputs: rooms has shape \(None, 2\); it must be \(any, 1\)"):
        Predictor(_reseal(package, wide))


@pytest.mark.parametrize(
    "row", [[0.5, 0.4], [0.5, 0.6], [np.nan, 0.5], [2.0, -1.0], [1.0], [0.3, 0.3, 0.4], [np.inf, 0]]
)
def test_what_is_no_probability_is_an_error(tabular_package: Package, row: list[float]) -> None:
    task = Predictor(tabular_package).task
    with pytest.raises(PredictionError, match="not probabilities of no, yes"):
        task.decode([np.array([row], np.float32)])


def test_scores_are_plain_floats_of_six_digits(tabular_package: Package) -> None:
    output = Predictor(tabular_package).task.decode([np.array([[0.1, 0.9]], np.float32)])[0]
    assert output == {"label": "yes", "score": 0.9, "scores": {"no": 0.1, "yes": 0.9}}
    assert type(output["score"]) is float


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_value_is_the_shortest_decimal(regression_package: Package, kind: type[Any]) -> None:
    task = Predictor(regression_package).task
    assert task.decode([np.array([[0.1], [-2.5]], kind)]) == [{"value": 0.1}, {"value": -2.5}]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_is_finite(regression_package: Package, value: float) -> None:
    with pytest.raises(PredictionError, match="not a finite number"):
        Predictor(regression_package).task.decode([np.array([[value]], np.float32)])


def test_an_own_task_predicts(own_package: Package) -> None:
    predictor = Predictor(own_package, task_modules=["own_tasks"])
    assert predictor.predict([{"a": 1.5}, {"a": 2.0}]) == [{"twice": 3.0}, {"twice": 4.0}]


@pytest.mark.parametrize(
    ("task", "modules", "message"),
    [
        ("own_tasks:Doubled", [], r"task: own_tasks is not among `light.task_modules` of slipway.yaml, .* allows none"),
        ("os:system", ["own_tasks"], r"task: os is not among .*, which allows own_tasks"),
        ("own_tasks.deeper:Doubled", ["own_tasks"], r"task: own_tasks.deeper is not among"),
        ("missing_module:Task", ["missing_module"], r"task: missing_module:Task cannot be imported: No module named"),
        ("own_tasks:Absent", ["own_tasks"], r"task: own_tasks:Absent cannot be imported: .* no attribute 'Absent'"),
        ("own_tasks:NoTask", ["own_tasks"], r"task: own_tasks:NoTask is not a class with the methods"),
        ("own_tasks:function", ["own_tasks"], r"task: own_tasks:function is not a class with the methods"),
    ],
)
def test_an_own_task_is_allowed_and_a_task(own_package: Package, task: str, modules: list[str], message: str) -> None:
    package = _reseal(own_package, task=task)
    with pytest.raises(PackageError, match=rf"model.yaml: {message}"):
        make_task(package, GraphSpec((_spec("a", np.float32, None, 1),), ()), modules=modules)


def test_an_own_task_that_fails_is_the_versions_fault(own_package: Package) -> None:
    failing = Predictor(_reseal(own_package, task="own_tasks:Failing"), task_modules=["own_tasks"])
    with pytest.raises(PredictionError, match="tiny-price 1: KeyError: 'b'"):
        failing.predict([{"a": 1.0}])
    short = Predictor(_reseal(own_package, task="own_tasks:Short"), task_modules=["own_tasks"])
    with pytest.raises(PredictionError, match="tiny-price 1: 0 outputs for 1 records"):
        short.predict([{"a": 1.0}])
