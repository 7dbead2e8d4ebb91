"""docs/models.md says what works: its files and commands are taken as they stand, from the import to an answer."""

from pathlib import Path

import onnx
from support.documents import follow, section
from support.packages import regression_graph

from slipway.config import load_config
from slipway.models.bundle import load_models
from slipway.models.package import load_package


def test_a_pipeline_becomes_a_model_that_answers(tmp_path: Path) -> None:
    follow(section("models.md", "A scikit-learn pipeline"), tmp_path)
    printed = follow(section("models.md", "Serve it"), tmp_path)

    assert "r2 min" in printed
    models = load_models(load_config(tmp_path / "slipway.yaml"), tmp_path)
    (output,) = models["progression", 1].predict([{"age": 50.0, "bmi": 26.2, "bp": 94.0, "s5": 4.6}])
    assert 25 < output["value"] < 346  # what patients of the data have


def test_an_onnx_file_becomes_a_package(tmp_path: Path) -> None:
    onnx.save(regression_graph(("wind", "pitch")), tmp_path / "turbine.onnx")

    follow(section("models.md", "An ONNX file"), tmp_path)

    assert load_package(tmp_path / "models" / "turbine" / "1").manifest.outputs.unit == "kW"
