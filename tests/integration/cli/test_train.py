"""The commands of docs/training.md on the shipped year of flights, and the same feed with its labels turned round."""

import re
import shlex
from pathlib import Path

import pandas
import pytest
from support.documents import DOCS
from typer.testing import CliRunner, Result

from slipway.cli import app
from slipway.models.package import load_package

ROOT = DOCS.parent
COMMANDS = re.search(
    r"```bash\n(?P<commands>slipway features backfill .*?)```", (DOCS / "training.md").read_text(), re.S
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with slipway.yaml, the examples, and the shipped versions of flight-delay."""
    (tmp_path / "slipway.yaml").write_bytes((ROOT / "slipway.yaml").read_bytes())
    (tmp_path / "models" / "flight-delay").mkdir(parents=True)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for version in ("1", "2"):
        (tmp_path / "models" / "flight-delay" / version).symlink_to(ROOT / "models" / "flight-delay" / version)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(command: str) -> Result:
    program, *arguments = shlex.split(command)
    assert program == "slipway"
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)


def commands() -> list[str]:
    assert COMMANDS is not None
    return COMMANDS["commands"].replace("\\\n", "").strip().splitlines()


def test_the_documented_commands_train_a_version_and_flipped_labels_do_not(project: Path) -> None:
    backfill, train = commands()
    assert invoke(backfill).exit_code == 0
    done = invoke(train)
    assert done.exit_code == 0, done.output
    assert "5,467 labels since 2013-04-02 00:00 UTC" in done.output
    assert "Version 3 of flight-delay is in models/flight-delay/3." in done.output
    trained = load_package(project / "models" / "flight-delay" / "3").manifest
    assert trained.inputs == load_package(project / "models" / "flight-delay" / "1").manifest.inputs

    poisoned = pandas.read_parquet("examples/flights/flights.parquet")
    poisoned["label"] = poisoned["label"].map({"late": "on time", "on time": "late"})
    poisoned.to_parquet("poisoned.parquet", index=False)
    refused = invoke(train.replace("examples/flights/flights.parquet", "poisoned.parquet"))
    assert refused.exit_code == 1, refused.output
    for gate in ("agreement", "label shift", "label order"):
        assert f"failed {gate}: " in refused.output
    assert not (project / "models" / "flight-delay" / "4").exists()
