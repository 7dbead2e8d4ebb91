"""A registry in memory, and one on a table and a bucket in moto."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from fakes.registry import MemoryObjectStore, MemoryVersionTable
from moto import mock_aws
from support.registries import Clock, Parts

from slipway.aws.table import Backoff, lazy_client
from slipway.models.registry.bucket import S3ObjectStore, s3_client
from slipway.models.registry.registry import Registry
from slipway.models.registry.table import DynamoVersionTable

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
def aws_parts(clients: tuple[Any, Any]) -> Parts:
    """A separate table and bucket for each test."""
    dynamodb, s3 = clients
    name = f"test-{secrets.token_hex(8)}"
    dynamodb().create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    s3().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    table = DynamoVersionTable(name, client=dynamodb, backoff=QUICK)
    return Parts(S3ObjectStore(name, client=s3), table, Clock())


@pytest.fixture(params=["memory", "aws"])
def parts(request: pytest.FixtureRequest) -> Parts:
    if request.param == "memory":
        clock = Clock()
        return Parts(MemoryObjectStore(clock=clock), MemoryVersionTable(), clock)
    made: Parts = request.getfixturevalue("aws_parts")
    return made


@pytest.fixture
def registry(parts: Parts) -> Registry:
    return parts.registry
