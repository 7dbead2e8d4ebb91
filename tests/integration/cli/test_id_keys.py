"""`slipway id-keys rotate` in an account in moto."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from slipway.cli import keys as command
from slipway.cli.commands import app
from slipway.cli.deployed import Deployed
from slipway.errors import ConflictError, NotFoundError
from slipway.monitoring.feedback.key_parameter import KeyParameter
from slipway.monitoring.feedback.keys import MIN_AGE, Keys, new_key

CONFIG = "project: demo\nmodels:\n  tweets: {versions: [1], stable: 1}\n"
OLD = Keys((new_key(datetime.now(UTC) - MIN_AGE),))
Rotate = Callable[..., Result]


@pytest.fixture
def parameter(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyParameter]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(command, "find_deployed", lambda _: Deployed("this account", {}))
    with mock_aws():
        yield KeyParameter("/demo/id-keys")


@pytest.fixture
def rotate(parameter: KeyParameter, tmp_path: Path) -> Rotate:
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    config = ["--config", str(tmp_path / "slipway.yaml")]
    return lambda *options: CliRunner().invoke(app, ["id-keys", "rotate", *config, *options])


def test_the_key_before_the_new_one_stays(rotate: Rotate, parameter: KeyParameter) -> None:
    parameter.create(OLD)
    done = rotate()
    assert done.exit_code == 0, done.output
    new, old = parameter.read().newest_first
    assert (old, new != old) == (OLD.newest_first[0], True)
    assert new.secret.hex() not in done.output


def test_a_young_key_is_only_revoked(rotate: Rotate, parameter: KeyParameter) -> None:
    parameter.create(Keys((new_key(datetime.now(UTC)),)))
    assert isinstance(rotate().exception, ConflictError)
    before = parameter.read()
    assert rotate("--revoke").exit_code == 0
    (only,) = parameter.read().newest_first
    assert only not in before.newest_first


def test_before_the_first_prediction_there_is_nothing_to_rotate(rotate: Rotate) -> None:
    assert isinstance(rotate().exception, NotFoundError)
