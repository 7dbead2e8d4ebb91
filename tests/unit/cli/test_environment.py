"""`--environment`: which slipway.yaml a command reads, and which AWS it goes to."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from slipway.cli.commands import app
from slipway.cli.project import embedded_aws, load_project

TEXT = """\
project: shop
models: { small: { versions: [1], stable: 1 } }
environments:
  local: { light: { memory_mb: 512 } }
  prod: { models: { small: { capture: { sample: 0.5 } } } }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "slipway.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def show(*arguments: str, **variables: str) -> str:
    found = CliRunner().invoke(app, ["config", "show", *arguments], env=variables)
    assert found.exit_code == 0, found.output
    return found.output


def test_an_environment_is_shown_merged() -> None:
    assert yaml.safe_load(show("--environment", "prod")) == {
        "project": "shop-prod",
        "models": {"small": {"versions": [1], "stable": 1, "capture": {"sample": 0.5}}},
    }
    assert json.loads(show("--environment", "prod", "--json"))["project"] == "shop-prod"


def test_the_variable_chooses_one_for_every_command() -> None:
    assert json.loads(show("--json", SLIPWAY_ENVIRONMENT="prod"))["project"] == "shop-prod"


def test_none_is_chosen_by_default() -> None:
    assert json.loads(show("--json"))["project"] == "shop"


def test_the_defaults_are_shown_with_the_rest() -> None:
    shown = yaml.safe_load(show("--environment", "local", "--defaults"))
    assert (shown["light"]["memory_mb"], shown["light"]["timeout_seconds"]) == (512, 15)


def test_the_environments_are_listed() -> None:
    found = CliRunner().invoke(app, ["config", "environments", "--json"])
    assert [(row["environment"], row["project"]) for row in json.loads(found.output)] == [
        (None, "shop"),
        ("local", "shop-local"),
        ("prod", "shop-prod"),
    ]


def test_commands_read_local_while_the_embedded_aws_is_up(folder: Path) -> None:
    assert load_project(Path("slipway.yaml")).project == "shop"
    (folder / ".slipway").mkdir()
    (folder / ".slipway" / "local.json").write_text("{}", encoding="utf-8")
    assert embedded_aws()
    assert load_project(Path("slipway.yaml")).project == "shop-local"


def test_a_command_with_another_environment_leaves_the_embedded_aws_alone(folder: Path) -> None:
    (folder / ".slipway").mkdir()
    (folder / ".slipway" / "local.json").write_text("{}", encoding="utf-8")
    variables = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_DEFAULT_REGION": "us-east-1"}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_MAX_ATTEMPTS": "1"}
    arguments = ["release", "history", "small", "--environment", "prod"]
    found = CliRunner().invoke(app, arguments, env={**variables, **keys})
    assert "AWS cannot be asked" in str(found.exception)
