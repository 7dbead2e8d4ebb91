"""PyTorch modules for tables become packages that answer as they do."""

from pathlib import Path
from typing import Any

import pytest
import torch

from slipway.errors import CheckFailedError, InputError
from slipway.models.prediction.predictor import Predictor

LABELS = ("low", "mid", "high")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c,d,label\n0.5,1.5,2,0.25,low\n1.5,-1,3,0.5,mid\n-0.5,0.1,1,2.5,high\n0.1,0.2,4,0.3,low\n")
    return path


def test_a_matrix_and_logits(run: Any, networks: str, rows: Path) -> None:
    made = run(torch="networks:table", records=rows, labels=LABELS)

    manifest = made.package.manifest
    assert manifest.task == "tabular-classification"
    assert [field.name for field in manifest.inputs] == ["a", "b", "c", "d"]
    assert made.difference < 1e-5
    import networks as module

    record = {"a": 0.5, "b": 1.5, "c": 2, "d": 0.25}
    with torch.inference_mode():
        expected = module.table().eval()(torch.tensor([list(record.values())])).softmax(-1)[0].tolist()
    assert list(Predictor(made.package).predict([record])[0]["scores"].values()) == pytest.approx(expected, abs=1e-5)


def test_several_answers(run: Any, networks: str, tmp_path: Path) -> None:
    rows = tmp_path / "plain.csv"
    rows.write_text("a,b,c,d\n0.5,1.5,2,0.25\n1.5,-1,3,0.5\n")
    labels = run(torch="networks:table", records=rows, labels=LABELS, multi_label=True, name="labels")
    targets = run(torch="networks:table", records=rows, targets=("x", "y", "z"), name="targets")
    import networks as module

    record = {"a": 0.5, "b": 1.5, "c": 2, "d": 0.25}
    with torch.inference_mode():
        raw = module.table().eval()(torch.tensor([list(record.values())]))
    scores = Predictor(labels.package).predict([record])[0]["scores"]
    assert list(scores.values()) == pytest.approx(raw.sigmoid()[0].tolist(), abs=1e-5)
    values = Predictor(targets.package).predict([record])[0]["values"]
    assert list(values.values()) == pytest.approx(raw[0].tolist(), abs=1e-5)


def test_columns_by_name_with_examples_for_records(run: Any, networks: str) -> None:
    made = run(torch="networks:columns", task="tabular-regression", unit="euro")

    manifest = made.package.manifest
    assert manifest.graph.inputs == ("area", "place")
    assert [str(field.type) for field in manifest.inputs] == ["float", "integer"]
    assert made.package.baseline.records == 3
    assert [entry.metric for entry in manifest.quality] == ["largest_difference"]


def test_one_number_may_be_a_probability_or_a_logit(run: Any, networks: str, tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("a,b,c,d\n0.5,1.5,2,0.25\n1.5,-1,3,0.5\n")

    with pytest.raises(InputError, match="--task"):
        run(torch="networks:one_number", records=path)
    with pytest.raises(InputError, match="probabilities or logits"):
        run(torch="networks:one_number", records=path, labels=("no", "yes"))
    made = run(torch="networks:one_number", records=path, labels=("no", "yes"), answers="probabilities")

    assert made.difference < 1e-5


def test_what_tracing_gets_wrong_is_found(run: Any, networks: str, tmp_path: Path) -> None:
    path = tmp_path / "branches.csv"
    path.write_text("a,b,c,d\n2.5,1.5,2,0.25\n1.5,-1,3,0.5\n0.1,0.2,4,0.3\n")

    with pytest.raises(CheckFailedError, match="differs from the original"):
        run(torch="networks:branches", records=path, labels=("no", "yes"))
    assert not (tmp_path / "models").exists()


def test_what_cannot_be_traced_is_captured(
    run: Any, networks: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("a,b,c,d\n2.5,1.5,2,0.25\n1.5,-1,3,0.5\n0.1,0.2,4,0.3\n")

    made = run(torch="networks:untraceable", records=path, labels=("no", "yes"))

    assert made.difference < 1e-5
    assert capfd.readouterr().out == ""


def test_what_is_no_module_is_refused(run: Any, networks: str, rows: Path) -> None:
    with pytest.raises(InputError, match="OrderedDict, not a module"):
        run(torch="networks:weights", records=rows)


def test_everything_missing_is_said_at_once(run: Any, networks: str) -> None:
    with pytest.raises(InputError) as caught:
        run(torch="networks:table", name=None)

    assert [problem.field for problem in caught.value.problems] == ["--name", "--records"]


def test_the_weights_of_a_captured_export_are_in_the_package(run: Any, networks: str, tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    path.write_text("a,b,c,d\n0.5,1.5,2,0.25\n1.5,-1,3,0.5\n")

    made = run(torch="networks:wide", records=path, task="tabular-regression")

    assert made.difference < 1e-4
    assert (made.package.folder / "model.onnx").stat().st_size > 4 * 5 * 4000
