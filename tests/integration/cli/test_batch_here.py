"""`slipway batch run` on this machine: which version it takes where none is named, over tables in moto."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws
from support.moto_account import create_keyed_table, use_test_credentials
from support.packages import make_tabular_package
from support.releases.records import promoted
from typer.testing import CliRunner

from slipway.batch.extras import AskedExtras
from slipway.batch.features import FeaturesFrom
from slipway.cli.batch.row_options import deployment_of
from slipway.cli.commands import app
from slipway.cli.deployed import Deployed
from slipway.config import parse_config
from slipway.errors import UnavailableError
from slipway.releases.record.table import DynamoReleaseStore

CONFIG = """
project: demo
models: {tiny-tabular: {versions: [1, 2], stable: 1}}
features: {tumour: {entity: patient, features: {radius: {type: float}, smooth: {type: float}}}}
"""
STORE = ("--features", "store")


@pytest.fixture(autouse=True)
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A deployment, and a project with both versions of the model."""
    use_test_credentials(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("slipway.yaml").write_text(CONFIG, encoding="utf-8")
    for number in (1, 2):
        make_tabular_package(tmp_path / "models" / "tiny-tabular" / str(number), version=number)
    Path("in.csv").write_text("patient,radius,smooth,age\np1,1,1,1\np2,9,1,9\n", encoding="utf-8")
    outputs = {"ControlTable": "control", "FeaturesTable": "features"}
    monkeypatch.setattr("slipway.cli.deployed.find_deployed", lambda _: Deployed("this account", outputs))
    with mock_aws():
        for table in outputs.values():
            create_keyed_table(table)
        yield


def scored_by(*options: str) -> int:
    words = ["batch", "run", "tiny-tabular", "in.csv", "-o", "out", "--workers", "1", "--json", *options]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    version: int = json.loads(done.stdout)["job"]["version"]
    return version


def test_features_of_the_store_go_to_the_version_that_serves() -> None:
    promoted(DynamoReleaseStore("control"), "tiny-tabular", 2)
    assert scored_by(*STORE) == 2


def test_a_version_that_is_named_is_taken() -> None:
    promoted(DynamoReleaseStore("control"), "tiny-tabular", 2)
    assert scored_by(*STORE, "--version", "1") == 1


def test_without_a_release_slipway_yaml_says_which_version() -> None:
    assert scored_by(*STORE) == 1


@pytest.mark.parametrize(
    ("asked", "history", "is_needed"),
    [
        (AskedExtras(precompute="patient"), None, True),
        (AskedExtras(features=FeaturesFrom.HISTORY), None, True),
        (AskedExtras(features=FeaturesFrom.HISTORY), Path("history"), False),
    ],
)
def test_stores_and_precomputed_answers_need_the_deployment(
    asked: AskedExtras, history: Path | None, *, is_needed: bool
) -> None:
    assert (deployment_of(parse_config(CONFIG), asked, history) is not None) is is_needed


def test_a_job_that_needs_no_deployment_asks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    promoted(DynamoReleaseStore("control"), "tiny-tabular", 2)

    def unreachable(_: str) -> Deployed:
        raise UnavailableError("Slipway", "AWS cannot be asked")

    monkeypatch.setattr("slipway.cli.deployed.find_deployed", unreachable)
    assert scored_by() == 1
