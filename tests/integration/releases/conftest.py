"""A release store in memory, and one on a table in moto."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from fakes.releases import MemoryReleaseStore
from moto import mock_aws

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
