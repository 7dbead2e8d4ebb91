"""What tests over moto need of an account: credentials of nobody, and tables as Slipway keys them."""

import boto3
import pytest


def use_test_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign as nobody in us-east-1, at AWS's own addresses, which moto answers."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def create_keyed_table(name: str) -> None:
    """Create an empty table with the keys `pk` and `sk`."""
    boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
