import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from slipway.cli import app
from slipway.errors import InputError, NotFoundError

QUICK = ("--runs", "3", "--hours", "0.2", "--config", "none.yaml")


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["release", "simulate", *arguments, *QUICK], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_table_and_the_document_say_the_same() -> None:
    shown, document = invoke("errors", "broken"), json.loads(invoke("errors", "broken", "--json"))
    assert [each["name"] for each in document] == ["errors", "broken"]
    assert document[1]["rolled_back"] == 1.0
    assert "broken: fails everything" in shown
    assert f"{document[1]['harmed_per_1000']:.2f}" in shown


def test_a_candidate_of_ones_own_may_be_described() -> None:
    document = json.loads(invoke("--errors", "0.3", "--slower", "1.1", "--strategy", "blue-green", "--json"))
    assert [(each["name"], each["what"]) for each in document] == [("yours", "fails 0.3, times slower 1.1")]


def test_the_plot_is_written(tmp_path: Path) -> None:
    invoke("broken", "--plot", str(tmp_path / "runs.svg"))
    assert "<svg" in (tmp_path / "runs.svg").read_text(encoding="utf-8")


def test_what_is_unknown_is_named() -> None:
    with pytest.raises(NotFoundError, match="no scenario 'x'"):
        invoke("x")
    with pytest.raises(InputError, match="'shadow' is none of"):
        invoke("--strategy", "shadow")
    with pytest.raises(InputError, match="ends in none of"):
        invoke("--plot", "runs.txt")


def test_a_models_release_is_taken_from_slipway_yaml(tmp_path: Path) -> None:
    path = tmp_path / "slipway.yaml"
    path.write_text("models: {m: {versions: [1], stable: 1, release: {canary: {share: 0.5}}}}", encoding="utf-8")
    result = CliRunner().invoke(
        app, ["release", "simulate", "broken", "--model", "m", "--config", str(path), "--json", *QUICK[:4]]
    )
    assert json.loads(result.stdout)[0]["harmed_per_1000"] > 400
