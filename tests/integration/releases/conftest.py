"""What moto answers for: a release store on a table, beside one in memory, and CloudWatch."""

import secrets
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from fakes.releases import MemoryReleaseStore
from moto import mock_aws
from moto.cloudwatch.models import Statistics

from slipway.aws.table import Backoff, lazy_client
from slipway.releases.record.store import ReleaseStore
from slipway.releases.record.table import DynamoReleaseStore

REGION = "eu-west-1"
QUICK = Backoff(attempts=4, first_wait=0.001, longest_wait=0.002)


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    """A factory of a real client, whose calls moto answers."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        factory = lazy_client(region_name=REGION)
        factory()
        yield factory


@pytest.fixture
def control_table(dynamodb: Any) -> str:
    """The name of a new table."""
    name = f"test-{secrets.token_hex(8)}"
    dynamodb().create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> ReleaseStore:
    if request.param == "memory":
        return MemoryReleaseStore()
    client, table = request.getfixturevalue("dynamodb"), request.getfixturevalue("control_table")
    return DynamoReleaseStore(table, client=client, backoff=QUICK)


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """CloudWatch in moto, with the statistics that moto lacks."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    basic = Statistics.get_statistics_for_type

    def extended(self: Any, stat: str) -> Any:
        """What moto lacks: the number of values over a limit, and percentiles."""
        values = sorted(float(datum.value) for datum in self.metric_data)
        if stat.startswith("TC("):
            return sum(value > float(stat[3:].split(":", maxsplit=1)[0]) for value in values)
        return values[int(float(stat[1:]) / 100 * (len(values) - 1))] if stat.startswith("p") else basic(self, stat)

    monkeypatch.setattr(Statistics, "get_statistics_for_type", extended)
    with mock_aws():
        yield boto3.client("cloudwatch", region_name=REGION)
