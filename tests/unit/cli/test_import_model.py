"""`slipway model import` as a command."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from support.packages import regression_graph
from typer.testing import CliRunner

from slipway.cli import app
from slipway.errors import InputError, MissingExtraError
from slipway.models.extras import need


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("a,b,label\n1,2.5,3.5\n2,2.5,4.5\n")
    onnx.save(regression_graph(("a", "b")), tmp_path / "sum.onnx")
    return Path("sum.onnx")


ARGUMENTS = ["model", "import", "--onnx", "sum.onnx", "--records", "rows.csv"]


def test_json_says_what_was_made(graph: Path) -> None:
    arguments = [*ARGUMENTS, "--name", "sum", "--task", "tabular-regression", "--json"]

    answer = json.loads(CliRunner().invoke(app, arguments, catch_exceptions=False).stdout)

    assert (answer["model"], answer["version"], answer["folder"]) == ("sum", 1, "models/sum/1")
    assert answer["largest_difference"] == 0
    assert [field["name"] for field in answer["inputs"]] == ["a", "b"]


def test_people_get_a_table(graph: Path) -> None:
    arguments = [*ARGUMENTS, "--output", "elsewhere/7", "--name", "sum", "--task", "tabular-regression"]

    printed = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout

    assert "largest difference from the original: 0 on 2 records" in printed
    assert "version 7 is in elsewhere/7" in printed


def test_without_a_terminal_every_missing_option_is_named(graph: Path) -> None:
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(app, ARGUMENTS, catch_exceptions=False)

    assert [problem.field for problem in caught.value.problems] == ["--name", "--task"]


def test_in_a_terminal_what_is_missing_is_asked(graph: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from slipway.cli import main; main()", *ARGUMENTS]
    os.write(ours, b"asked\ntabular-regression\n")
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        printed, _ = process.communicate(timeout=240)
    os.close(theirs)
    os.close(ours)

    assert process.returncode == 0, printed
    assert "the model's name" in printed
    assert Path("models/asked/1/model.yaml").exists()


def test_a_missing_framework_names_its_extra() -> None:
    with pytest.raises(
        MissingExtraError, match=r"no_such_framework is not installed; run `pip install 'slipway\[torch\]'`"
    ):
        need("no_such_framework", "torch")
