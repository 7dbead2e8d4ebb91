import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.packages import make_regression_package, make_text_package, seal_again, tabular_graph

from slipway.errors import PackageError, PredictionError
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor


def _seal_graph(package: Package, model: onnx.ModelProto, **graph: Any) -> Package:
    (package.folder / "model.onnx").write_bytes(model.SerializeToString())
    return seal_again(package, graph={**package.manifest.graph.model_dump(), **graph})


def _model(
    nodes: list[onnx.NodeProto], initializers: list[onnx.TensorProto], batch: int | str = "n"
) -> onnx.ModelProto:
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 2]) for name in ("features", "probabilities")
    )
    graph = helper.make_graph(nodes, "test", [x], [y], initializer=initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _external(location: str) -> onnx.TensorProto:
    tensor = TensorProto(name="w", dims=[2], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "8")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def _as_initializer(tensor: onnx.TensorProto) -> onnx.ModelProto:
    return _model([helper.make_node("Add", ["features", "w"], ["probabilities"])], [tensor])


def _as_constant(tensor: onnx.TensorProto) -> onnx.ModelProto:
    constant = helper.make_node("Constant", [], ["w"], value=tensor)
    return _model([constant, helper.make_node("Add", ["features", "w"], ["probabilities"])], [])


def _in_a_branch(tensor: onnx.TensorProto) -> onnx.ModelProto:
    def branch() -> onnx.GraphProto:
        result = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 2])
        return helper.make_graph([helper.make_node("Add", ["features", "w"], ["z"])], "branch", [], [result], [tensor])

    node = helper.make_node("If", ["always"], ["probabilities"], then_branch=branch(), else_branch=branch())
    return _model([node], [numpy_helper.from_array(np.array(True), "always")])


PLACES = [_as_initializer, _as_constant, _in_a_branch]
TABULAR = {"inputs": ["features"], "outputs": ["probabilities"]}


@pytest.fixture
def pair_package(tmp_path: Path) -> Package:
    """A regression of two fields; tests replace its graph with one that reads external data."""
    return make_regression_package(tmp_path / "models" / "p" / "1", task="own:Task", fields=["a", "b"])


def test_texts_are_labelled_in_order(text_package: Package) -> None:
    outputs = Predictor(text_package).predict([{"text": "good sunny"}, {"text": "awful"}, {"text": "hm"}])
    assert [output["label"] for output in outputs] == ["positive", "negative", "neutral"]
    for output in outputs:
        assert output["score"] == max(output["scores"].values())
        assert list(output["scores"]) == ["negative", "neutral", "positive"]


def test_the_rest_of_the_batch_changes_nothing(text_package: Package) -> None:
    predictor = Predictor(text_package)
    records = [{"text": " ".join(["good", "bad", "awful", "x"][: n % 5] * (n % 7))} for n in range(40)]
    alone = [predictor.predict([record])[0] for record in records]
    assert predictor.predict(records) == alone
    assert predictor.predict(records[::-1]) == alone[::-1]


def test_no_records_are_no_outputs(text_package: Package) -> None:
    assert Predictor(text_package).predict([]) == []


def test_several_threads_share_a_predictor(text_package: Package) -> None:
    predictor = Predictor(text_package)
    expected = predictor.predict([{"text": "good"}])
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.extend(predictor.predict([{"text": "good"}]) for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 200


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (
            {"inputs": ["rooms", "size"]},
            r"model.onnx: has the inputs \['area', 'rooms'\], but model.yaml says \['rooms', 's",
        ),
        ({"inputs": ["rooms"]}, r"model.onnx: has the inputs \['area', 'rooms'\], but model.yaml says \['rooms'\]"),
        ({"inputs": ["rooms", "area", "area"]}, r"model.onnx: has the inputs"),
        ({"outputs": ["price"]}, r"model.onnx: has the outputs \['value'\], but model.yaml says \['price'\]"),
    ],
)
def test_a_graph_that_differs_from_the_manifest(
    regression_package: Package, graph: dict[str, Any], message: str
) -> None:
    package = seal_again(regression_package, graph={**regression_package.manifest.graph.model_dump(), **graph})
    with pytest.raises(PackageError, match=message):
        Predictor(package)


def test_a_graph_of_one_batch_size_is_refused(pair_package: Package) -> None:
    model = _model([helper.make_node("Identity", ["features"], ["probabilities"])], [], batch=1)
    with pytest.raises(PackageError, match=r"model.onnx: takes only batches of 1 \(features\); any size is needed"):
        Predictor(_seal_graph(pair_package, model, **TABULAR))


def test_a_graph_of_an_unknown_type_is_refused(pair_package: Package) -> None:
    model = tabular_graph(2, input_type=TensorProto.UINT64)
    with pytest.raises(PackageError, match=r"model.onnx: features is a tensor\(uint64\); it must be one of"):
        Predictor(_seal_graph(pair_package, model, **TABULAR))


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x08\x0a"])
def test_a_file_that_is_no_graph_is_named(text_package: Package, content: bytes) -> None:
    (text_package.folder / "model.onnx").write_bytes(content)
    with pytest.raises(PackageError, match=r"model.onnx: cannot be opened by ONNX Runtime"):
        Predictor(seal_again(text_package))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "location", ["../outside.bin", "weights/../../outside.bin", "{parent}/outside.bin", "gone.bin"]
)
def test_external_data_stays_in_the_package(pair_package: Package, place: Any, location: str) -> None:
    parent = pair_package.folder.parent
    (parent / "outside.bin").write_bytes(np.array([1, 2], np.float32).tobytes())
    (pair_package.folder / "weights").mkdir()
    package = _seal_graph(pair_package, place(_external(location.format(parent=parent))), **TABULAR)
    with pytest.raises(PackageError, match=r"model.onnx: keeps data outside the package or in a missing file"):
        Predictor(package)


@pytest.mark.parametrize("place", PLACES)
def test_external_data_behind_a_link_is_refused(pair_package: Package, place: Any) -> None:
    outside = pair_package.folder.parent / "outside.bin"
    outside.write_bytes(np.array([1, 2], np.float32).tobytes())
    (pair_package.folder / "weights.bin").symlink_to(outside)
    with pytest.raises(PackageError, match=r"weights.bin: is a link that leaves the package"):
        _seal_graph(pair_package, place(_external("weights.bin")), **TABULAR)
    (pair_package.folder / "weights.bin").unlink()
    package = _seal_graph(pair_package, place(_external("weights.bin")), **TABULAR)
    (pair_package.folder / "weights.bin").symlink_to(outside)
    with pytest.raises(PackageError, match=r"model.onnx: keeps data outside the package"):
        Predictor(package)


@pytest.mark.parametrize("place", PLACES)
def test_external_data_in_the_package_is_read_and_checked(pair_package: Package, place: Any) -> None:
    weights = pair_package.folder / "weights.bin"
    weights.write_bytes(np.array([0.25, 0.75], np.float32).tobytes())
    inputs = [{"name": name, "type": "float"} for name in "ab"]
    (pair_package.folder / "model.onnx").write_bytes(place(_external("weights.bin")).SerializeToString())
    changes = {"task": "tabular-classification", "inputs": inputs, "outputs": {"labels": ["no", "yes"]}}
    graph = {"file": "model.onnx", **TABULAR}
    package = seal_again(pair_package, **changes, graph=graph)
    assert Predictor(package).predict([{"a": 0.0, "b": 0.0}])[0]["scores"] == {"no": 0.25, "yes": 0.75}
    weights.write_bytes(np.array([0.75, 0.25], np.float32).tobytes())
    with pytest.raises(PackageError, match=r"weights.bin: was altered"):
        load_package(package.folder)


def test_a_graph_that_fails_is_the_versions_fault(tmp_path: Path) -> None:
    package = make_text_package(tmp_path / "p")
    path = package.folder / "tokenizer.json"
    path.write_text(path.read_text().replace('"awful": 5', '"awful": 99').replace('"awful":5', '"awful":99'))
    predictor = Predictor(seal_again(package))
    with pytest.raises(
        PredictionError, match=r"^tiny-sentiment 1: InvalidArgument: .*indices element out of data bounds"
    ):
        predictor.predict([{"text": "awful"}])
    assert predictor.predict([{"text": "good"}])[0]["label"] == "positive"
