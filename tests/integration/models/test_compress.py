"""`slipway model quantize`, `prune` and `distill` as commands."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from support.compressible import box_rows, make_mlp_package, make_mood_package, mood_rows, write_jsonl
from typer.testing import CliRunner

from slipway.cli import app
from slipway.errors import CheckFailedError, InputError, NotFoundError
from slipway.models.package import load_package


def invoke(*arguments: object) -> Result:
    texts = ["model", *map(str, arguments), "--config", "none.yaml", "--seconds", "0.02"]
    return CliRunner().invoke(app, texts, env={"COLUMNS": "120"})


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "boxes.jsonl", box_rows(120))
    return make_mlp_package(tmp_path / "boxes" / "1").folder


def test_quantize_prints_before_and_after(boxes: Path, tmp_path: Path) -> None:
    output = tmp_path / "boxes" / "2"
    result = invoke("quantize", boxes, "--data", tmp_path / "boxes.jsonl", "--output", output)
    assert result.exit_code == 0, result.output
    for part in ("boxes 1", "boxes 2", "latency p99, ms", "memory, MB", "macro_recall", "agreement", "3 of 3 nodes"):
        assert part in result.output
    assert load_package(output).manifest.version == 2


def test_quantize_static_takes_the_calibration_as_data(boxes: Path, tmp_path: Path) -> None:
    options = ("--method", "static", "--calibration", tmp_path / "boxes.jsonl", "--per-channel", "--max-drop", "0.05")
    result = invoke("quantize", boxes, *options, "--output", tmp_path / "static", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["quantization"]["batch_independent"] is True
    assert answer["quantization"]["method"] == "static int8 by ONNX Runtime, one scale for each channel"
    assert answer["before"]["version"] == 1
    assert answer["after"]["graph_bytes"] == (tmp_path / "static" / "model.onnx").stat().st_size


def test_prune_from_slipway_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_mood_package(tmp_path / "models" / "moods" / "1")
    (tmp_path / "slipway.yaml").write_text("models: {moods: {versions: [1], stable: 1}}\n", encoding="utf-8")
    data = write_jsonl(tmp_path / "moods.jsonl", mood_rows(120))
    monkeypatch.chdir(tmp_path)
    arguments = ["prune", "moods:1", "--data", str(data), "--vocabulary", "1", "--units", "auto", "--max-drop", "0.02"]
    output = ["--output", "models/moods/7", "--seconds", "0.02", "--json"]
    result = CliRunner().invoke(app, ["model", *arguments, *output])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["version"] == 7
    assert answer["parameters"]["tokens"] < answer["parameters"]["tokens_before"]
    assert answer["parameters"]["units"] < answer["parameters"]["units_before"]
    assert answer["after"]["size_bytes"] < answer["before"]["size_bytes"]


def test_distill(tmp_path: Path) -> None:
    teacher = make_mood_package(tmp_path / "moods" / "3").folder
    data = write_jsonl(tmp_path / "moods.jsonl", mood_rows(300))
    parameters = ("--parameter", "vocabulary=150", "--parameter", "buckets=211", "--parameter", "characters=[2,3]")
    recipe = ("--student", "recipes.students:ngrams", *parameters)
    result = invoke(
        "distill", "--teacher", teacher, "--data", data, *recipe, "--name", "light", "--output", tmp_path / "s"
    )
    assert result.exit_code == 0, result.output
    assert "light version 1 is in" in result.output
    training = load_package(tmp_path / "s").manifest.training
    assert training.teacher == "moods:1"
    assert training.parameters["characters"] == [2, 3]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("quantize", "{boxes}"), InputError, "--data: is required"),
        (("quantize", "no-such-model", "--data", "{data}"), NotFoundError, "no-such-model"),
        (("quantize", "{boxes}", "--data", "none.jsonl"), InputError, "none.jsonl: No such file"),
        (("prune", "{boxes}", "--data", "{data}"), InputError, "--units"),
        (("prune", "{boxes}", "--data", "{data}", "--units", "lots"), InputError, "'lots' is neither a share"),
        (("prune", "{boxes}", "--data", "{data}", "--units", "0.95", "--max-drop", "0"), CheckFailedError, "drops by"),
        (
            ("distill", "--teacher", "{boxes}", "--data", "{data}", "--student", "a:b", "--parameter", "x"),
            InputError,
            "name=value",
        ),
    ],
)
def test_errors_leave_nothing(
    arguments: tuple[str, ...], error: type[Exception], message: str, boxes: Path, tmp_path: Path
) -> None:
    places = {"boxes": boxes, "data": tmp_path / "boxes.jsonl"}
    texts = [argument.format(**places) for argument in arguments]
    result = invoke(*texts, "--output", tmp_path / "out" / "2")
    assert isinstance(result.exception, error)
    assert message in str(result.exception)
    assert not (tmp_path / "out").exists()
