import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.packages import make_tabular_package

from slipway.cli import main

CONFIG = """
models: {tiny-tabular: {versions: [1], stable: 1}}
features: {tumour: {entity: patient, features: {radius: {type: float}, smooth: {type: float}}}}
"""


@pytest.fixture
def slipway(monkeypatch, tmp_path: Path):
    (tmp_path / "slipway.yaml").write_text(CONFIG)
    make_tabular_package(tmp_path / "models" / "tiny-tabular" / "1")
    (tmp_path / "in.csv").write_text("radius,smooth,age\n1,1,1\n9,1,9\n")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["slipway", "batch", "run", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return run


def test_it_scores_a_file_and_says_what_came_of_it(slipway, capsys) -> None:
    assert slipway("tiny-tabular", "in.csv", "-o", "out") == 0
    out = capsys.readouterr().out
    assert "2 rows scored, 0 rejected; 1 part in out" in out
    assert "tiny-tabular 1" in out
    [part] = Path("out").glob("part-*.parquet")
    assert pq.read_table(part)["prediction_label"].to_pylist() == ["no", "yes"]


def test_json_is_the_summary(slipway, capsys) -> None:
    assert slipway("tiny-tabular", "in.csv", "-o", "out", "--json", "--workers", "1", "--format", "jsonl") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["labels"] == {"no": 1, "yes": 1}
    assert summary == json.loads(Path("out/_SUCCESS").read_text())


def test_an_optional_input_without_a_column_is_noted(slipway, capsys) -> None:
    Path("in.csv").write_text("radius,smoth,age\n1,1,1\n")
    assert slipway("tiny-tabular", "in.csv", "-o", "out") == 0
    assert "note: in.csv has no column smooth: missing, or the default, in every row" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["tiny-tabulr", "in.csv", "-o", "out"], 1, "did you mean 'tiny-tabular'?"),
        (["tiny-tabular", "on.csv", "-o", "out"], 1, "on.csv: no such file or folder"),
        (["tiny-tabular", "in.csv", "-o", "in.csv"], 1, "--output: in.csv is a file; name a folder"),
        (["tiny-tabular", "in.csv", "-o", "out", "--version", "2"], 1, "models/tiny-tabular/2"),
        (["tiny-tabular", "models", "-o", "models/out"], 1, "must end in .csv"),
        (["tiny-tabular", "in.csv", "--local"], 1, "--output: is required on this machine"),
        (["tiny-tabular", "s3://bucket/in.csv", "-o", "out", "--local"], 1, "which --local does not read or write"),
        (["tiny-tabular", "s3://bucket/in.csv", "-o", "out"], 1, "a job in an account writes to S3"),
        (
            ["tiny-tabular", "in.csv", "-o", "s3://bucket/x", "--version", "models/1"],
            1,
            "must be a number in an account",
        ),
        (["tiny-tabular", "in.csv", "-o", "s3://B/x"], 1, "must be s3://BUCKET/PREFIX"),
    ],
)
def test_what_is_mistyped_is_named(slipway, capsys, arguments, code: int, said: str) -> None:
    assert slipway(*arguments) == code
    assert said in capsys.readouterr().err


def test_an_output_within_the_input_is_refused(slipway, capsys) -> None:
    Path("in").mkdir()
    Path("in.csv").rename("in/in.csv")
    assert slipway("tiny-tabular", "in", "-o", "in/out") == 1
    assert "in/out is within the input" in capsys.readouterr().err


def test_too_many_wrong_rows_end_with_a_line_and_a_code(slipway, capsys) -> None:
    Path("in.csv").write_text("radius,smooth,age\n1,1,1\n1,1,-4\n")
    assert slipway("tiny-tabular", "in.csv", "-o", "out") == 1
    assert "1 of 2 rows were rejected, more than 1 %" in capsys.readouterr().err
    assert slipway("tiny-tabular", "in.csv", "-o", "out", "--max-rejected", "0.5") == 0
