"""Quantizing packages of trained networks."""

import platform
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from support.compressible import box_rows, make_mlp_package, write_jsonl

from slipway.errors import CheckFailedError, InputError, MissingExtraError
from slipway.models.compression.quantize import Quantizing, quantize
from slipway.models.measurements.golden import read_golden
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor

DYNAMIC = Quantizing("dynamic")


def _int8_weights(package: Package) -> set[str]:
    graph = onnx.load(package.path("model.onnx")).graph
    kinds = (TensorProto.INT8, TensorProto.UINT8)
    return {tensor.name for tensor in graph.initializer if tensor.data_type in kinds and len(tensor.dims) > 1}


def test_a_dynamic_package_is_whole_and_says_what_was_done(mlp: Package, box_file: Path, order: Any) -> None:
    made = quantize(order(mlp, box_file), DYNAMIC)
    package = load_package(made.package.folder)
    manifest = package.manifest
    assert _int8_weights(package) == {"w0_quantized", "w1_quantized", "w2_quantized"}
    assert (manifest.name, manifest.version, manifest.training.parent) == ("boxes", 2, 1)
    assert manifest.training.command == "slipway model test"
    assert manifest.training.parameters["original"]["training"]["command"] == "pytest"
    assert manifest.quantization is not None
    assert manifest.quantization.kept_in_float == ()
    assert package.baseline.records == 240
    assert {entry.metric for entry in manifest.quality} == {"macro_recall", "accuracy", "log_loss", "agreement"}
    card = package.path("README.md").read_text(encoding="utf-8")
    assert "## Before and after" in card
    assert "### boxes\n\nFor tests." in card


def test_the_report_holds_both_sides(mlp: Package, box_file: Path, order: Any) -> None:
    report = quantize(order(mlp, box_file), DYNAMIC).report
    assert report.after.graph_bytes < report.before.graph_bytes
    assert (report.before.version, report.after.version) == (1, 2)
    assert report.before.quality["macro_recall"] - report.after.quality["macro_recall"] <= 0.005
    assert 0.98 <= report.agreement <= 1
    assert 0 < report.after.latency_median_ms <= report.after.latency_p99_ms
    assert report.after.memory_mb > 20


def test_dynamic_answers_depend_on_the_batch_and_the_manifest_says_so(mlp: Package, box_file: Path, order: Any) -> None:
    made = quantize(order(mlp, box_file), DYNAMIC)
    records = [{name: row[name] for name in row if name != "label"} for row in box_rows(32)]
    predictor = Predictor(made.package)
    alone = [predictor.predict([record])[0]["scores"]["yes"] for record in records]
    together = [output["scores"]["yes"] for output in predictor.predict(records)]
    assert np.abs(np.subtract(alone, together)).max() > 1e-4
    entry = made.package.manifest.quantization
    assert entry is not None
    assert entry.batch_independent is False
    assert "scales of activations come from the whole batch" in entry.description


def test_static_answers_do_not_depend_on_the_batch(mlp: Package, box_file: Path, order: Any) -> None:
    made = quantize(order(mlp, box_file, max_drop=0.02), Quantizing("static", calibration=box_file))
    entry = made.package.manifest.quantization
    assert entry is not None
    assert entry.batch_independent is True
    assert _int8_weights(made.package)
    assert [data.name for data in made.package.manifest.training.data] == ["made up", "boxes.jsonl"]


def test_per_channel_has_a_scale_for_each_channel(mlp: Package, box_file: Path, order: Any) -> None:
    made = quantize(order(mlp, box_file), Quantizing("dynamic", per_channel=True))
    graph = onnx.load(made.package.path("model.onnx")).graph
    scales = {tensor.name: numpy_helper.to_array(tensor).size for tensor in graph.initializer}
    assert scales["w1_scale"] == 24


def test_the_one_node_that_int8_ruins_stays_in_float(tmp_path: Path, box_file: Path, order: Any) -> None:
    """A weight of 50,000 leaves a single int8 step for all others of its matrix."""
    package = make_mlp_package(tmp_path / "outlier" / "1", outlier=50_000)
    made = quantize(order(package, box_file), DYNAMIC)
    entry = made.package.manifest.quantization
    assert entry is not None
    assert entry.kept_in_float == ("dense1",)
    assert "2 of 3 nodes" in entry.description
    assert _int8_weights(made.package) == {"w0_quantized", "w2_quantized"}
    assert made.report.agreement > 0.98


def test_text_packages_keep_their_tokenizer_and_quantize_their_embedding(
    moods: Package, mood_file: Path, order: Any
) -> None:
    made = quantize(order(moods, mood_file), DYNAMIC)
    assert "embedding_quantized" in _int8_weights(made.package)
    assert made.package.path("tokenizer.json").read_bytes() == moods.path("tokenizer.json").read_bytes()
    assert made.report.after.graph_bytes < 0.5 * made.report.before.graph_bytes


def test_without_labels_the_budget_is_agreement(mlp: Package, tmp_path: Path, order: Any) -> None:
    rows = [{name: value for name, value in row.items() if name != "label"} for row in box_rows(50)]
    made = quantize(order(mlp, write_jsonl(tmp_path / "plain.jsonl", rows), max_drop=0.02), DYNAMIC)
    assert made.report.before.quality == made.report.after.quality == {}
    assert made.report.agreement >= 0.98
    assert [entry.metric for entry in made.package.manifest.quality] == ["agreement"]


def test_a_budget_that_cannot_hold_leaves_nothing(tmp_path: Path, box_file: Path, order: Any) -> None:
    package = make_mlp_package(tmp_path / "outlier" / "1", outlier=50_000)
    wanted = order(package, box_file, max_drop=-1)
    with pytest.raises(CheckFailedError, match="even with all but one of the 3 nodes in float"):
        quantize(wanted, DYNAMIC)
    assert not wanted.output.parent.exists()


def test_weights_alone_do_not_depend_on_the_batch(mlp: Package, box_file: Path, order: Any) -> None:
    made = quantize(order(mlp, box_file, max_drop=0.02), Quantizing("weights"))
    quantization = made.package.manifest.quantization
    assert quantization is not None
    assert quantization.method == "int8 weights by ONNX Runtime"
    assert quantization.batch_independent is True
    kinds = [node.op_type for node in onnx.load(made.package.path("model.onnx")).graph.node]
    assert kinds.count("MatMulNBits") == 3
    golden = read_golden(made.package.path("golden.json"))
    assert golden.measured["alone"] <= 1e-4


def test_auto_takes_the_fastest_method_that_is_steady_enough(mlp: Package, box_file: Path, order: Any) -> None:
    made = quantize(order(mlp, box_file, max_drop=0.02), Quantizing("auto", max_difference=1e-4))
    assert made.change.parameters["method"] == "weights"


def test_auto_takes_the_first_method_if_nobody_minds(mlp: Package, box_file: Path, order: Any) -> None:
    made = quantize(order(mlp, box_file), Quantizing("auto", max_difference=1.0))
    assert made.change.parameters["method"] == "dynamic"


def test_answers_that_differ_too_much_leave_nothing(mlp: Package, box_file: Path, order: Any) -> None:
    job = order(mlp, box_file)
    with pytest.raises(CheckFailedError, match=r"by .* by dynamic, but --max-difference is 1e-06"):
        quantize(job, Quantizing("dynamic", max_difference=1e-6))
    assert not job.output.exists()


def test_another_processor_is_compared_with(mlp: Package, box_file: Path, order: Any) -> None:
    job = replace(order(mlp, box_file), processors=(Path(sys.executable),))
    made = quantize(job, DYNAMIC)
    assert made.package.manifest.quantization is not None
    assert f"those on {platform.machine()} by up to 0." in made.package.manifest.quantization.description
    golden = read_golden(made.package.path("golden.json"))
    # This very processor gives the same answers, which is what the tolerance goes by; batches do not matter then.
    assert golden.measured[platform.machine()] == 0
    assert golden.measured["alone"] > 1e-4
    assert golden.tolerance == 1e-4


def test_a_processor_that_cannot_be_run_is_named(mlp: Package, box_file: Path, order: Any, tmp_path: Path) -> None:
    job = replace(order(mlp, box_file), processors=(tmp_path / "none",))
    with pytest.raises(InputError, match=r"--processor: .*/none cannot be run"):
        quantize(job, DYNAMIC)


def test_the_golden_records_may_be_others(mlp: Package, box_file: Path, order: Any, tmp_path: Path) -> None:
    others = write_jsonl(tmp_path / "others.jsonl", box_rows(5))
    made = quantize(replace(order(mlp, box_file), golden=others), DYNAMIC)
    golden = read_golden(made.package.path("golden.json"))
    assert [each.record for each in golden.records] == [
        {name: value for name, value in row.items() if name != "label"} for row in box_rows(5)
    ]


def test_auto_needs_a_limit(mlp: Package, box_file: Path, order: Any) -> None:
    with pytest.raises(InputError, match="--max-difference: is required"):
        quantize(order(mlp, box_file), Quantizing("auto"))


def test_static_needs_calibration(mlp: Package, box_file: Path, order: Any) -> None:
    with pytest.raises(InputError, match=r"--calibration: is required"):
        quantize(order(mlp, box_file), Quantizing("static"))


def test_a_graph_without_weights_is_refused(regression_package: Package, tmp_path: Path, order: Any) -> None:
    data = write_jsonl(tmp_path / "data.jsonl", [{"rooms": 1.0, "area": 2.0, "label": 3.0}] * 3)
    with pytest.raises(InputError, match="no float32 weights in operators that become int8"):
        quantize(order(regression_package, data), DYNAMIC)


def test_what_is_there_is_never_overwritten(mlp: Package, box_file: Path, order: Any) -> None:
    wanted = order(mlp, box_file)
    wanted.output.mkdir(parents=True)
    with pytest.raises(InputError, match="versions never change"):
        quantize(wanted, DYNAMIC)


def test_the_version_must_be_a_new_one(mlp: Package, box_file: Path, order: Any) -> None:
    with pytest.raises(InputError, match="1 is the original's version"):
        quantize(order(mlp, box_file, version=1), DYNAMIC)


def test_the_missing_extra_is_named(mlp: Package, box_file: Path, order: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'slipway\[import\]'"):
        quantize(order(mlp, box_file), DYNAMIC)
