"""The registry's commands against the bucket and the table that the state stack makes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from local.environment.state import State
from slipway.cli import app
from slipway.cli.model.registry_target import find_target
from slipway.errors import PackageError
from slipway.models.package import load_package

NAME = "breast-cancer"
# How fast this machine is at the moment is none of this test's business.
SETTINGS = """
models:
  breast-cancer:
    versions: [1, 2]
    stable: 1
    gates: { max_package_bytes: 100000 }
"""


@pytest.fixture
def project(running: State, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which commands find the embedded AWS, as after `slipway local up` there."""
    (tmp_path / ".slipway").mkdir()
    (tmp_path / ".slipway" / "local.json").write_text(running.model_dump_json(), "utf-8")
    features = yaml.safe_load((checkout / "slipway.yaml").read_text("utf-8"))["features"]
    (tmp_path / "slipway.yaml").write_text(SETTINGS + yaml.safe_dump({"features": features}), "utf-8")
    (tmp_path / "models").symlink_to(checkout / "models")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["model", *arguments])


def done(*arguments: str) -> Any:
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_versions_go_in_and_come_out_as_they_were(project: Path, checkout: Path):
    first, second = (done("register", NAME, str(version))["number"] for version in (1, 2))
    assert second > first
    assert [row["number"] for row in done("list", NAME, "--registry")][-2:] == [first, second]
    shown = done("show", NAME, str(second), "--registry")["record"]
    assert shown["origin"]["by"].startswith("arn:aws:")
    assert (shown["check"]["against"], shown["origin"]["parent"]) == (f"version {first}", first)
    assert invoke("pull", NAME, str(second), "--into", "pulled").exit_code == 0
    shipped = load_package(checkout / "models" / NAME / "2")
    assert load_package(project / "pulled").manifest.files == shipped.manifest.files


def test_an_object_that_was_altered_is_not_pulled(project: Path, aws: Any):
    number = done("register", NAME, "1")["number"]
    key = f"models/{NAME}/{number}/model.onnx"
    aws("s3").put_object(Bucket=find_target(Path("slipway.yaml"), None, None).bucket, Key=key, Body=b"other")
    result = invoke("pull", NAME, str(number), "--into", "altered")
    assert isinstance(result.exception, PackageError)
    assert not (project / "altered").exists()
    assert invoke("deprecate", NAME, str(number), "--reason", "altered by a test").exit_code == 0
