import json
from pathlib import Path

import pytest
from support.packages import make_tabular_package, make_text_package
from typer.testing import CliRunner

from slipway.cli import app
from slipway.errors import ConfigError, NotFoundError

CONFIG = str(Path(__file__).parents[3] / "slipway.yaml")


def invoke(*arguments: str):
    return CliRunner().invoke(app, ["model", *arguments, "--config", CONFIG])


def test_list_names_every_deployed_version():
    rows = json.loads(invoke("list", "--json").stdout)
    assert {(row["model"], row["version"]) for row in rows} >= {("breast-cancer", 1), ("breast-cancer", 2)}
    assert {row["version"] for row in rows if row["model"] == "breast-cancer" and row["stable"]} == {1}
    assert "breast-cancer" in invoke("list").stdout


def test_show_is_the_stable_version_by_default():
    shown = json.loads(invoke("show", "breast-cancer", "--json").stdout)
    assert (shown["name"], shown["version"]) == ("breast-cancer", 1)
    assert "mean_radius" in invoke("show", "breast-cancer", "2").stdout


@pytest.mark.parametrize("arguments", [("show", "nothing"), ("show", "breast-cancer", "9")])
def test_what_is_not_deployed_is_named_with_what_is(arguments):
    result = invoke(*arguments)
    assert isinstance(result.exception, NotFoundError)
    assert "breast-cancer" in str(result.exception) or "1, 2" in str(result.exception)


def test_a_version_that_is_not_here_is_listed_as_the_registrys(tmp_path: Path):
    make_text_package(tmp_path / "models/tiny-sentiment/1")
    config = tmp_path / "slipway.yaml"
    config.write_text("models: {tiny-sentiment: {versions: [1, 4], stable: 1}}", "utf-8")
    arguments = ["model", "list", "--config", str(config)]
    rows = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert [(row["version"], row["here"]) for row in rows] == [(1, True), (4, False)]
    assert "in the registry" in CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments).stdout


def test_check_names_a_feature_that_the_group_lacks(tmp_path: Path):
    make_tabular_package(tmp_path / "models/tiny-tabular/1")
    config = tmp_path / "slipway.yaml"
    group = "{entity: patient, features: {radius: {type: float}}}"
    model = "{versions: [1], stable: 1, gates: {max_package_bytes: 1000000}}"
    config.write_text(f"models: {{tiny-tabular: {model}}}\nfeatures: {{tumour: {group}}}", "utf-8")
    result = CliRunner().invoke(app, ["model", "check", "tiny-tabular", "1", "--config", str(config)])
    assert isinstance(result.exception, ConfigError)
    assert "features.tumour.features.smooth: is not defined" in str(result.exception)
