"""`slipway monitor profiles` against a bucket in moto."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from support.moto_account import use_test_credentials
from typer.testing import CliRunner

from slipway.cli import app
from slipway.cli.deployed import Deployed
from slipway.errors import InputError, NotFoundError
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.profiles.store import BucketProfiles

CONFIG = """
models:
  tiny-price: {versions: [1], stable: 1, capture: {sample: 0.1}}
  unwatched: {versions: [1], stable: 1}
monitoring: {minutes: 5}
"""
NOW = datetime.now(UTC).replace(second=0, microsecond=0)


@pytest.fixture(autouse=True)
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CaptureBucket]:
    use_test_credentials(monkeypatch)
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = Deployed("this account", {"CaptureBucket": "captures"})
    monkeypatch.setattr("slipway.cli.deployed.find_deployed", lambda _project: found)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="captures")
        yield CaptureBucket("captures")


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["monitor", "profiles", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_profiles_are_listed_by_time_and_version(bucket: CaptureBucket) -> None:
    store = BucketProfiles(bucket)
    for version, minutes, records in ((2, 60, 7), (1, 60, 1200), (1, 120, 3), (1, 60 * 30, 9)):
        store.write(Profile("tiny-price", version, NOW - timedelta(minutes=minutes), 5, "b", records, {}))
    lines = run("tiny-price").splitlines()
    assert [line.split()[-2:] for line in lines[1:]] == [["1", "3"], ["1", "1,200"], ["2", "7"]]
    found = json.loads(run("tiny-price", "--hours", "48", "--json"))["profiles"]
    assert [each["records"] for each in found] == [9, 3, 1200, 7]
    assert found[1]["start"] == (NOW - timedelta(hours=2)).isoformat()


def test_none_says_how_often_the_monitor_runs() -> None:
    assert run("tiny-price") == "No captures of tiny-price in 24 hours; the monitor runs every 5 minutes.\n"


def test_a_model_that_is_not_captured_says_how_it_would_be() -> None:
    with pytest.raises(InputError, match=r"models\.unwatched\.capture\.sample"):
        run("unwatched")
    with pytest.raises(NotFoundError, match="tiny-prise"):
        run("tiny-prise")
