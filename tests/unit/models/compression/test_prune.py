"""Removing hidden units and tokens makes the graph smaller and keeps its outputs right."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from support.compressible import graph_of, make_mood_package, mlp_graph, mood_rows, write_jsonl
from support.packages import make_text_package, seal_again
from tokenizers import Tokenizer

from slipway.errors import CheckFailedError, InputError
from slipway.models.compression.prune import Pruning, prune
from slipway.models.compression.quantize import Quantizing, quantize
from slipway.models.compression.units import hidden_layers, without_units
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor


def _shapes(package: Package) -> dict[str, tuple[int, ...]]:
    graph = onnx.load(package.path("model.onnx")).graph
    return {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}


def _scores(package: Package, rows: list[dict[str, Any]]) -> np.ndarray:
    records = [{name: value for name, value in row.items() if name != "label"} for row in rows]
    outputs = Predictor(package).predict(records)
    return np.array([list(output["scores"].values()) for output in outputs])


def test_a_share_of_the_units_is_gone_from_every_shape(mlp: Package, box_file: Path, order: Any) -> None:
    made = prune(order(mlp, box_file, max_drop=1), Pruning(units=0.25))
    shapes = _shapes(load_package(made.package.folder))
    assert (shapes["w0"], shapes["b0"]) == ((18, 4), (18,))
    assert (shapes["w1"], shapes["b1"]) == ((18, 18), (18,))
    assert (shapes["w2"], shapes["b2"]) == ((18, 1), (1,))
    assert made.report.after.graph_bytes < made.report.before.graph_bytes
    assert made.package.manifest.training.parameters["units"] == 36
    assert made.package.manifest.training.parent == 1


def test_units_without_weight_go_first_and_nothing_changes(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    weights = [draw.normal(size=shape).astype(np.float32) for shape in ((4, 6), (6, 5), (5, 1))]
    biases = [draw.normal(size=size).astype(np.float32) for size in (6, 5, 1)]
    weights[1][[1, 4]] = 0
    model = mlp_graph(weights, biases)
    layers = hidden_layers(model)
    assert [layer.width for layer in layers] == [6, 5]
    pruned, removed = without_units(model, layers[:1], 1 / 3)
    assert removed == 2
    assert {tensor.name: tuple(tensor.dims) for tensor in pruned.graph.initializer}["w1"] == (4, 5)
    values = draw.normal(size=(20, 4)).astype(np.float32)
    before, after = (ReferenceEvaluator(one).run(None, {"features": values})[0] for one in (model, pruned))
    assert np.abs(before - after).max() < 1e-6


def test_auto_removes_as_much_as_the_budget_lets(mlp: Package, box_file: Path, order: Any) -> None:
    made = prune(order(mlp, box_file, max_drop=0.02), Pruning(units="auto"))
    share = made.package.manifest.training.parameters["units_share"]
    assert 0 < share < 1
    assert made.report.before.quality["macro_recall"] - made.report.after.quality["macro_recall"] <= 0.02
    bolder = replace(order(mlp, box_file, max_drop=0.02), output=made.package.folder.with_name("3"))
    with pytest.raises(CheckFailedError, match=r"quality drops by 0\.\d+ on boxes.jsonl"):
        prune(bolder, Pruning(units=share + 0.05))
    assert not bolder.output.exists()


def test_a_residual_block_loses_its_inner_units_only(moods: Package, mood_file: Path, order: Any) -> None:
    made = prune(order(moods, mood_file, max_drop=1), Pruning(units=0.5))
    before, after = _shapes(moods), _shapes(made.package)
    width = before["embedding"][1]
    assert (after["up"], after["up_bias"], after["down"]) == ((width, 2 * width), (2 * width,), (2 * width, width))
    assert after["embedding"] == before["embedding"]
    assert after["out"] == before["out"]


def test_units_that_something_else_sees_are_left_alone() -> None:
    """A graph in which a sum also reads the units."""
    draw = np.random.default_rng(0)
    constants = [
        numpy_helper.from_array(draw.normal(size=shape).astype(np.float32), name)
        for name, shape in (("w0", (4, 6)), ("w1", (6, 2)))
    ]
    constants.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    nodes = [
        helper.make_node("MatMul", ["features", "w0"], ["h"]),
        helper.make_node("MatMul", ["h", "w1"], ["l"]),
        helper.make_node("ReduceSum", ["h", "axis"], ["s"]),
        helper.make_node("Add", ["l", "s"], ["probabilities"]),
    ]
    assert hidden_layers(graph_of(nodes, constants, {"features": (TensorProto.FLOAT, ["n", 4])}, 2)) == []


@pytest.mark.parametrize("kind", ["WordPiece", "BPE", "ByteLevel", "Unigram"])
def test_unseen_tokens_go_and_answers_to_the_texts_stay(kind: str, tmp_path: Path, mood_file: Path, order: Any) -> None:
    package = make_mood_package(tmp_path / kind / "1", kind)
    made = prune(order(package, mood_file), Pruning(least=1))
    before, after = _shapes(package)["embedding"], _shapes(made.package)["embedding"]
    parameters = made.package.manifest.training.parameters
    assert after[0] == parameters["tokens"] < parameters["tokens_before"] == before[0]
    rows = mood_rows()
    assert np.abs(_scores(package, rows) - _scores(made.package, rows)).max() < 1e-5
    assert made.report.agreement == 1
    assert made.package.manifest.training.data[-1].name == "moods.jsonl"


@pytest.mark.parametrize("kind", ["WordPiece", "BPE", "ByteLevel", "Unigram"])
def test_a_removed_token_falls_back_to_pieces(kind: str, tmp_path: Path, mood_file: Path, order: Any) -> None:
    package = make_mood_package(tmp_path / kind / "1", kind)
    made = prune(order(package, mood_file), Pruning(least=1))
    old, new = (Tokenizer.from_file(str(one.path("tokenizer.json"))) for one in (package, made.package))
    for text in ("xylophone orchestra", "the jurisprudence was lovely"):
        assert "[UNK]" not in new.encode(text).tokens
        assert len(new.encode(text).tokens) > len(old.encode(text).tokens)
        assert new.encode(text).tokens[0] == "[CLS]"
        assert max(new.encode(text).ids) < new.get_vocab_size()
    assert new.padding["pad_id"] == new.token_to_id("[PAD]")
    assert sorted(new.get_vocab().values()) == list(range(new.get_vocab_size()))


def test_rare_tokens_go_too(moods: Package, mood_file: Path, order: Any) -> None:
    made = prune(order(moods, mood_file, max_drop=1), Pruning(least=60))
    kept = json.loads(made.package.path("tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    assert "the" in kept
    assert "awful" not in kept


def test_tokens_and_units_together(moods: Package, mood_file: Path, tmp_path: Path, order: Any) -> None:
    texts = write_jsonl(tmp_path / "texts.jsonl", [{"text": row["text"]} for row in mood_rows(400, seed=9)])
    made = prune(order(moods, mood_file, max_drop=0.1), Pruning(units=0.1, least=1, texts=texts))
    shapes = _shapes(made.package)
    assert shapes["embedding"][0] < _shapes(moods)["embedding"][0]
    assert shapes["down"][0] < _shapes(moods)["down"][0]
    assert [data.name for data in made.package.manifest.training.data] == ["made up", "texts.jsonl"]
    assert "tokens" in made.change.summary
    assert "hidden units" in made.change.summary


def test_what_was_pruned_can_be_quantized(moods: Package, mood_file: Path, order: Any) -> None:
    made = prune(order(moods, mood_file), Pruning(least=1))
    again = replace(order(made.package, mood_file), output=made.package.folder.with_name("3"))
    smaller = quantize(again, Quantizing("dynamic"))
    assert smaller.package.manifest.training.parent == 2
    assert smaller.report.after.graph_bytes < 0.5 * smaller.report.before.graph_bytes


def test_hashed_ngrams_are_refused(tmp_path: Path, mood_file: Path, order: Any) -> None:
    """New ids would hash to the rows of other n-grams."""
    package = make_mood_package(tmp_path / "hashed" / "1")
    model = onnx.load(package.path("model.onnx"))
    model.graph.node.append(helper.make_node("Mul", ["input_ids", "input_ids"], ["hashed"], name="hash"))
    onnx.save(model, package.path("model.onnx"))
    changed = seal_again(package)
    wanted = order(changed, mood_file)
    with pytest.raises(InputError, match=r"computes with the ids \(Mul hash"):
        prune(wanted, Pruning(least=1))
    assert not wanted.output.parent.exists()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (Pruning(), "give a share or `auto`"),
        (Pruning(units=1.5), "must be between 0 and 1"),
        (Pruning(units="most"), "neither a share"),
        (Pruning(least=1), "has no tokenizer"),
        (Pruning(units=0.001), "rounds to none"),
    ],
)
def test_what_cannot_be_done_is_refused(how: Pruning, message: str, mlp: Package, box_file: Path, order: Any) -> None:
    with pytest.raises(InputError, match=message):
        prune(order(mlp, box_file), how)


def test_a_graph_without_hidden_units_is_refused(tmp_path: Path, order: Any) -> None:
    package = make_text_package(tmp_path / "words" / "1")
    data = write_jsonl(tmp_path / "words.jsonl", [{"text": "good"}, {"text": "bad"}])
    with pytest.raises(InputError, match="no dense layer"):
        prune(order(package, data), Pruning(units=0.5))
