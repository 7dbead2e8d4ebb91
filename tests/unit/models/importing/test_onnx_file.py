"""ONNX files become packages, unchanged if possible, else completed."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.packages import regression_graph, tabular_graph, text_graph
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from slipway.errors import InputError, PackageError
from slipway.models.prediction.predictor import Predictor

ROWS = "a,b,c,label\n1,2,3.5,no\n9,2,4.5,yes\n8,2,0.5,yes\n1,1,1.5,no\n"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return path


def save(graph: onnx.ModelProto, path: Path) -> Path:
    onnx.save(graph, path)
    return path


def test_a_classifier_with_probabilities_is_taken_as_it_is(run: Any, rows: Path, tmp_path: Path) -> None:
    path = save(tabular_graph(3), tmp_path / "graph.onnx")

    made = run(onnx=path, records=rows, labels=("no", "yes"))

    assert (made.package.folder / "model.onnx").read_bytes() == path.read_bytes()
    assert made.difference < 1e-6
    assert {entry.metric: entry.value for entry in made.package.manifest.quality}["accuracy"] == 1
    assert [str(field.type) for field in made.package.manifest.inputs] == ["integer", "integer", "float"]


def test_logits_become_probabilities(run: Any, rows: Path, tmp_path: Path) -> None:
    graph = tabular_graph(3)
    graph.graph.node.pop()
    graph.graph.output[0].name = "logits"
    path = save(graph, tmp_path / "graph.onnx")

    made = run(onnx=path, records=rows, labels=("no", "yes"))

    scores = Predictor(made.package).predict([{"a": 9, "b": 2, "c": 4.5}])[0]["scores"]
    assert scores["yes"] == pytest.approx(1 / (1 + np.exp(-5.5)), abs=1e-5)


@pytest.mark.parametrize(("answers", "expected"), [("logits", 1 / (1 + np.exp(-0.75))), ("probabilities", 0.75)])
def test_one_number_becomes_two_probabilities(run: Any, tmp_path: Path, answers: str, expected: float) -> None:
    path = save(regression_graph(("a", "b")), tmp_path / "graph.onnx")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"a": 0.5, "b": 0.25}\n{"a": 0.1, "b": 0.1}\n')

    made = run(onnx=path, records=rows, labels=("no", "yes"), answers=answers)

    output = Predictor(made.package).predict([{"a": 0.5, "b": 0.25}])[0]
    assert output["scores"]["yes"] == pytest.approx(expected, abs=1e-5)


def test_a_regression_of_columns(run: Any, tmp_path: Path) -> None:
    path = save(regression_graph(("Rooms", "Area")), tmp_path / "graph.onnx")
    rows = tmp_path / "rows.csv"
    rows.write_text("rooms,area,price\n2,50.5,52.5\n3,80,83\n")

    made = run(onnx=path, records=rows, task="tabular-regression", label_column="price")

    assert made.package.manifest.graph.inputs == ("Rooms", "Area")
    assert [field.name for field in made.package.manifest.inputs] == ["rooms", "area"]
    assert {entry.metric: entry.value for entry in made.package.manifest.quality}["mae"] == 0


def test_what_cannot_be_inferred_is_asked_for(run: Any, tmp_path: Path) -> None:
    path = save(regression_graph(("a", "b")), tmp_path / "graph.onnx")

    with pytest.raises(InputError) as caught:
        run(onnx=path, name=None)

    assert [problem.field for problem in caught.value.problems] == ["--name", "--records", "--task"]


def test_answers_come_from_whoever_can_be_asked(rows: Path, tmp_path: Path) -> None:
    from slipway.models.importing.importer import import_model
    from slipway.models.importing.request import ImportRequest

    path = save(tabular_graph(3), tmp_path / "graph.onnx")
    known = {"--name": "asked", "--records": str(rows), "--labels": "no, yes"}

    made = import_model(
        ImportRequest(onnx=path, models=tmp_path / "models"), lambda asked: {q.option: known[q.option] for q in asked}
    )

    assert made.package.manifest.name == "asked"
    assert made.package.manifest.outputs.labels == ("no", "yes")


def test_zipmaps_are_taken_off(run: Any, estimators: str, tmp_path: Path) -> None:
    import estimators as module
    from skl2onnx import to_onnx

    model = module.columns().steps[-1][1]
    graph = to_onnx(model, np.zeros((1, 5), np.float32))
    assert [node.op_type for node in graph.graph.node][-1] == "ZipMap"
    path = save(graph, tmp_path / "graph.onnx")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"a": 0.5, "b": 1, "c": 0, "d": 1, "e": 0}\n{"a": -1.5, "b": 0, "c": 1.0, "d": 0, "e": 0}\n')

    made = run(onnx=path, records=rows)

    assert made.package.manifest.outputs.labels == ("leaves", "stays")
    assert len(made.package.manifest.graph.outputs) == 1


def test_tokens_need_their_tokenizer(run: Any, tmp_path: Path) -> None:
    path = save(text_graph(), tmp_path / "graph.onnx")
    tokenizer = Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "good day", "label": "negative"}\n{"text": "bad", "label": "positive"}\n')
    options = {"onnx": path, "records": rows, "labels": ("negative", "neutral", "positive")}

    with pytest.raises(InputError, match=r"its tokenizer\.json"):
        run(**options)
    with pytest.raises(InputError, match="--max-tokens"):
        run(**options, tokenizer=tmp_path / "tokenizer.json")
    made = run(**options, tokenizer=tmp_path / "tokenizer.json", max_tokens=16)

    assert made.package.manifest.task == "text-classification"
    assert made.records == 3  # the two, and a long one
    assert made.package.baseline.records == 2


@pytest.fixture
def external(tmp_path: Path) -> Path:
    """A graph with its weights in a file beside it."""
    graph = tabular_graph(3)
    path = tmp_path / "given" / "graph.onnx"
    path.parent.mkdir()
    onnx.save(graph, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (path.parent / "weights.bin").exists()
    return path


def test_weights_in_a_file_beside_are_taken_in(run: Any, rows: Path, external: Path) -> None:
    made = run(onnx=external, records=rows, labels=("no", "yes"))

    assert sorted(path.name for path in made.package.folder.iterdir()) == [
        "README.md",
        "baseline.json",
        "golden.json",
        "model.onnx",
        "model.yaml",
    ]
    stored = onnx.load(made.package.folder / "model.onnx")
    assert all(tensor.data_location != TensorProto.EXTERNAL for tensor in stored.graph.initializer)


def test_weights_outside_the_folder_are_refused(run: Any, rows: Path, external: Path, tmp_path: Path) -> None:
    (external.parent / "weights.bin").rename(tmp_path / "weights.bin")
    (external.parent / "weights.bin").symlink_to(tmp_path / "weights.bin")

    with pytest.raises(PackageError, match="outside its folder"):
        run(onnx=external, records=rows, labels=("no", "yes"))
    assert not (tmp_path / "models").exists()


def test_weights_that_are_cut_short_are_refused(run: Any, rows: Path, external: Path) -> None:
    os.truncate(external.parent / "weights.bin", 4)

    with pytest.raises(PackageError, match="is too short"):
        run(onnx=external, records=rows, labels=("no", "yes"))


def test_what_is_no_graph_is_refused(run: Any, rows: Path, tmp_path: Path) -> None:
    path = tmp_path / "graph.onnx"
    path.write_bytes(b"\x80\x04\x95 no graph")
    with pytest.raises(PackageError, match="is not an ONNX file"):
        run(onnx=path, records=rows)
    with pytest.raises(PackageError, match="cannot be read"):
        run(onnx=tmp_path / "absent.onnx", records=rows)


def test_an_invalid_graph_is_refused(run: Any, rows: Path, tmp_path: Path) -> None:
    graph = tabular_graph(3)
    graph.graph.node[0].input[0] = "nowhere"
    with pytest.raises(PackageError, match="not a valid ONNX graph"):
        run(onnx=save(graph, tmp_path / "graph.onnx"), records=rows, labels=("no", "yes"))


def test_a_batch_of_one_size_is_refused(run: Any, rows: Path, tmp_path: Path) -> None:
    graph = tabular_graph(3)
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    graph.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 4
    with pytest.raises(PackageError, match="takes only batches of 4"):
        run(onnx=save(graph, tmp_path / "graph.onnx"), records=rows, labels=("no", "yes"))
    assert not (tmp_path / "models").exists()


def test_several_outputs_of_floats_need_a_choice(run: Any, rows: Path, tmp_path: Path) -> None:
    graph = tabular_graph(3)
    graph.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2]))
    path = save(graph, tmp_path / "graph.onnx")

    with pytest.raises(InputError, match=r"name the output with the answers; graph\.onnx has probabilities, logits"):
        run(onnx=path, records=rows, labels=("no", "yes"))
    made = run(onnx=path, records=rows, labels=("no", "yes"), graph_output="probabilities")

    assert made.package.manifest.graph.outputs == ("probabilities",)


def test_large_weights_are_written_as_protobuf_does(run: Any, rows: Path, tmp_path: Path) -> None:
    graph = tabular_graph(3)
    graph.graph.node.pop()
    graph.graph.output[0].name = "logits"
    wide = np.random.default_rng(1).normal(size=(2, 600)).astype(np.float32)
    graph.graph.initializer.append(numpy_helper.from_array(wide, "wide"))
    graph.graph.initializer.append(numpy_helper.from_array(np.linalg.pinv(wide).astype(np.float32), "narrow"))
    graph.graph.node.append(helper.make_node("MatMul", ["logits", "wide"], ["there"]))
    graph.graph.node.append(helper.make_node("MatMul", ["there", "narrow"], ["back"]))
    graph.graph.output[0].name = "back"

    made = run(onnx=save(graph, tmp_path / "graph.onnx"), records=rows, labels=("no", "yes"))

    stored = onnx.load(made.package.folder / "model.onnx")
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in stored.graph.initializer}
    assert np.array_equal(weights["wide"], wide)
    assert stored.graph.node[-1].op_type == "Softmax"
