"""Gates on packages with real predictions."""

from pathlib import Path

import onnx
import pytest
from support.packages import make_tabular_package, make_text_package, seal_again, text_graph

from slipway.config import GatesConfig
from slipway.errors import InputError, PackageError
from slipway.models.gates.checking import check_package
from slipway.models.package import Package

RECALL = GatesConfig.model_validate({"quality": [{"metric": "macro_recall", "min": 0.9, "max_drop": 0.1}]})


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "val.tsv"
    rows = ["positive\tgood", "positive\tsunny day", "negative\tbad", "negative\tawful", "neutral\thm"]
    path.write_text("\n".join(["label\ttext", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture
def worse(tmp_path: Path) -> Package:
    """A version 2 whose graph always predicts neutral."""
    folder = tmp_path / "models" / "tiny-sentiment" / "2"
    sound = make_text_package(folder, version=2)
    graph = text_graph()
    logits = onnx.numpy_helper.to_array(graph.graph.initializer[0]).copy()
    logits[:, 1] = 9
    graph.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(logits, "word_logits"))
    onnx.save(graph, folder / "model.onnx")
    return seal_again(sound)


def test_quality_is_measured_by_predicting(text_package: Package, labelled: Path):
    check = check_package(text_package, RECALL, labelled=labelled)
    assert check.passed
    assert [result.measured for result in check.results] == [1.0, None]
    assert (check.data.name, check.data.rows, check.against) == ("val.tsv", 5, None)


def test_a_worse_version_fails_whatever_its_manifest_says(text_package: Package, worse: Package, labelled: Path):
    check = check_package(worse, RECALL, previous=text_package, labelled=labelled)
    assert [result.name for result in check.failed] == ["macro_recall min", "macro_recall max_drop"]
    assert check.failed[1].measured == pytest.approx(2 / 3)
    assert check.against == "version 1"


def test_agreement_is_with_the_version_before(text_package: Package, worse: Package, labelled: Path):
    gates = GatesConfig(min_agreement=0.5)
    (result,) = check_package(worse, gates, previous=text_package, labelled=labelled).results
    assert (result.passed, result.measured) == (False, pytest.approx(0.2))
    (same,) = check_package(text_package, gates, previous=text_package, labelled=labelled).results
    assert (same.passed, same.measured) == (True, 1.0)


def test_agreement_without_labelled_records_is_not_known(text_package: Package):
    (result,) = check_package(text_package, GatesConfig(min_agreement=0.5), previous=text_package).results
    assert not result.passed
    assert "needs labelled records" in result.sentence


def test_without_labelled_records_the_manifests_figures_count(text_package: Package, tmp_path: Path):
    gates = GatesConfig.model_validate({"quality": [{"metric": "accuracy", "max_drop": 0.1, "data": "made up"}]})
    quality = [{"metric": "accuracy", "value": 0.8, "data": "made up"}]
    lower = make_text_package(tmp_path / "2", version=2, quality=quality)
    assert check_package(text_package, gates, previous=text_package).passed
    (result,) = check_package(lower, gates, previous=text_package).failed
    assert result.by_how_much == pytest.approx(0.1)


def test_latency_is_measured_in_turn(text_package: Package):
    gates = GatesConfig(max_latency_ms=1000, max_latency_ratio=100)
    milliseconds, ratio = check_package(text_package, gates, previous=text_package, seconds=0.03).results
    assert milliseconds.passed
    assert 0 < milliseconds.measured < 1000
    assert ratio.passed
    assert 0 < ratio.measured < 100
    impossible = GatesConfig(max_latency_ms=1e-6, max_latency_ratio=1e-6)
    check = check_package(text_package, impossible, previous=text_package, seconds=0.03)
    assert [result.name for result in check.failed] == ["latency ms", "latency ratio"]


def test_size_counts_every_file(text_package: Package):
    size = sum(path.stat().st_size for path in text_package.folder.iterdir())
    (result,) = check_package(text_package, GatesConfig(max_package_bytes=size)).results
    assert (result.passed, result.measured) == (True, size)
    assert check_package(text_package, GatesConfig(max_package_bytes=size - 1)).failed


def test_no_gate_is_not_a_check_that_was_passed(text_package: Package):
    check = check_package(text_package, GatesConfig())
    assert not check.passed
    assert not check.failed


def test_a_version_before_of_other_inputs_has_no_agreement(tmp_path: Path):
    old = make_tabular_package(tmp_path / "1", fields=[{"name": "weight", "type": "float"}])
    new = make_tabular_package(tmp_path / "2", version=2, fields=[{"name": "radius", "type": "float"}])
    data = tmp_path / "val.csv"
    data.write_text("radius,label\n1,no\n20,yes\n", "utf-8")
    gates = GatesConfig.model_validate(
        {"min_agreement": 0.5, "quality": [{"metric": "accuracy", "min": 0.9, "max_drop": 0}]}
    )
    check = check_package(new, gates, previous=old, labelled=data)
    assert {result.name: result.passed for result in check.results} == {
        "accuracy min": True,
        "accuracy max_drop": False,
        "agreement": False,
    }


def test_data_of_another_model_is_refused(text_package: Package, tmp_path: Path):
    (tmp_path / "val.csv").write_text("radius,label\n1,no\n", "utf-8")
    with pytest.raises(InputError, match="must be one of negative"):
        check_package(text_package, RECALL, labelled=tmp_path / "val.csv")


def test_a_graph_that_cannot_be_opened_is_an_error_and_no_failed_gate(text_package: Package):
    (text_package.folder / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(PackageError, match="cannot be opened"):
        check_package(text_package, RECALL)
