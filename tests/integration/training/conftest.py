"""A table and a bucket of training in moto."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from slipway.aws.table import Backoff, lazy_client
from slipway.models.registry.bucket import s3_client
from slipway.training.account.table import DynamoRuns
from slipway.training.account.workspace import Workspace

REGION = "eu-west-1"
QUICK = Backoff(attempts=4, first_wait=0.001, longest_wait=0.002)


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Any, Any]]:
    """Factories of real DynamoDB and S3 clients whose calls moto answers; shared because creating them is slow."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        factories = lazy_client(region_name=REGION), s3_client(region_name=REGION)
        for factory in factories:
            factory()
        yield factories


@pytest.fixture
def dynamo_runs(clients: tuple[Any, Any]) -> DynamoRuns:
    """A separate table for each test."""
    name = f"test-{secrets.token_hex(8)}"
    clients[0]().create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    return DynamoRuns(name, client=clients[0], backoff=QUICK)


@pytest.fixture
def workspace(clients: tuple[Any, Any]) -> Workspace:
    """A separate bucket for each test."""
    name = f"test-{secrets.token_hex(8)}"
    clients[1]().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Workspace(name, client=clients[1])
