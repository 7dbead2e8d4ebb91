"""The keys of prediction ids in Parameter Store, as moto has it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from slipway.errors import UnavailableError
from slipway.monitoring.feedback.key_parameter import KeyParameter
from slipway.monitoring.feedback.keys import Keys, new_key

NAME = "/demo/id-keys"
NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture
def parameter(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyParameter]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield KeyParameter(NAME)


def test_the_first_keys_stay_and_are_secret(parameter: KeyParameter) -> None:
    first, second = Keys((new_key(NOW),)), Keys((new_key(NOW),))
    assert parameter.read() is None
    parameter.create(first)
    parameter.create(second)
    assert parameter.read() == first
    assert boto3.client("ssm").get_parameter(Name=NAME)["Parameter"]["Type"] == "SecureString"
    parameter.replace(second)
    assert parameter.read() == second


def test_something_else_in_the_parameter_is_said_without_its_value(parameter: KeyParameter) -> None:
    boto3.client("ssm").put_parameter(Name=NAME, Value="hunter2", Type="SecureString")
    with pytest.raises(UnavailableError, match="does not hold keys") as error:
        parameter.read()
    assert "hunter2" not in str(error.value)


def test_a_store_that_cannot_be_reached_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with pytest.raises(UnavailableError, match="Parameter Store"):
        KeyParameter(NAME, region_name="eu-west-1", endpoint_url="http://127.0.0.1:1").read()
