"""docs/import.md says what works: its commands are run as they stand."""

from pathlib import Path

import onnx
from support.documents import follow, section
from support.packages import regression_graph

from slipway.models.package import load_package


def test_scikit_learn(tmp_path: Path) -> None:
    printed = follow(section("import.md", "scikit-learn"), tmp_path)

    manifest = load_package(tmp_path / "models" / "churn" / "1").manifest
    assert manifest.outputs.labels == ("leaves", "stays")
    assert "largest difference from the original" in printed
    assert "accuracy" in printed


def test_onnx(tmp_path: Path) -> None:
    onnx.save(regression_graph(("rooms", "area")), tmp_path / "sum.onnx")

    follow(section("import.md", "ONNX"), tmp_path)

    assert load_package(tmp_path / "models" / "sum" / "1").manifest.task == "tabular-regression"


def test_several_answers(tmp_path: Path) -> None:
    follow(section("import.md", "Several answers"), tmp_path)

    tickets = load_package(tmp_path / "models" / "tickets" / "1").manifest
    assert (tickets.outputs.multi_label, tickets.outputs.thresholds) == (True, {"urgent": 0.3})
    work = load_package(tmp_path / "models" / "work" / "1").manifest
    assert [(target.name, target.unit) for target in work.outputs.targets or ()] == [
        ("minutes", "min"),
        ("cost", "EUR"),
    ]
    assert {"macro_f1", "rmse_cost"} <= {entry.metric for entry in (*tickets.quality, *work.quality)}
