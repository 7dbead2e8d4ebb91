import json
from pathlib import Path

import pytest
from support.packages import make_tabular_package, make_text_package
from typer.testing import CliRunner

from slipway.cli import app
from slipway.cli.model.advice_input import find_package
from slipway.config import load_config
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


@pytest.mark.parametrize(
    ("arguments", "way_out"),
    [
        (("model", "show", "tiny-sentiment", "4"), "`--registry` shows a version of the registry"),
        (("model", "advise", "tiny-sentiment:4", "--rps", "1"), "`slipway model pull tiny-sentiment N`"),
        (("model", "check", "tiny-sentiment", "4"), "`slipway model pull tiny-sentiment 4`"),
        (("batch", "run", "tiny-sentiment", "in.csv", "-o", "out", "--version", "4"), "`slipway model pull"),
    ],
    ids=["show", "advise", "check", "batch"],
)
def test_a_version_that_is_not_here_is_named_with_those_that_are_and_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], way_out: str
):
    make_text_package(tmp_path / "models/tiny-sentiment/1")
    config = tmp_path / "slipway.yaml"
    config.write_text("models: {tiny-sentiment: {versions: [1, 4], stable: 1}}", "utf-8")
    error = CliRunner().invoke(app, [*arguments, "--config", str(config)]).exception
    assert isinstance(error, NotFoundError)
    assert "there is 1; " in str(error)
    assert way_out in str(error)


def test_a_pulled_version_is_shown_and_advised_though_slipway_yaml_lacks_it(tmp_path: Path):
    for version in (1, 2):
        make_text_package(tmp_path / "models/tiny-sentiment" / str(version), version=version)
    config = tmp_path / "slipway.yaml"
    config.write_text("models: {tiny-sentiment: {versions: [1], stable: 1}}", "utf-8")
    shown = CliRunner().invoke(app, ["model", "show", "tiny-sentiment", "2", "--json", "--config", str(config)])
    assert json.loads(shown.stdout)["version"] == 2
    assert find_package("tiny-sentiment:2", load_config(config), tmp_path).manifest.version == 2


def test_check_names_a_feature_that_the_group_lacks(tmp_path: Path):
    make_tabular_package(tmp_path / "models/tiny-tabular/1")
    config = tmp_path / "slipway.yaml"
    group = "{entity: patient, features: {radius: {type: float}}}"
    model = "{versions: [1], stable: 1, gates: {max_package_bytes: 1000000}}"
    config.write_text(f"models: {{tiny-tabular: {model}}}\nfeatures: {{tumour: {group}}}", "utf-8")
    result = CliRunner().invoke(app, ["model", "check", "tiny-tabular", "1", "--config", str(config)])
    assert isinstance(result.exception, ConfigError)
    assert "features.tumour.features.smooth: is not defined" in str(result.exception)
