"""The templates' tables in moto, and each implementation of the store and the cache."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.features import MemoryFeatureStore, MemoryPredictionCache
from moto import mock_aws
from support.ministack import ministack

from slipway.aws.table import Backoff, lazy_client
from slipway.config import FeatureConfig, FeatureGroupConfig, FeatureType
from slipway.config.features import HistoryConfig
from slipway.features.bulk import BulkFeatureWriter
from slipway.features.cache import PredictionCache
from slipway.features.definitions import FeatureDefinitions
from slipway.features.dynamodb import DynamoFeatureStore, DynamoPredictionCache
from slipway.features.store import FeatureStore, FeatureWrite, WriteResult

REGION = "eu-west-1"
QUICK = Backoff(attempts=4, first_wait=0.001, longest_wait=0.002)


@dataclass
class Clock:
    """A settable clock."""

    now: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **units: float) -> None:
        self.now += timedelta(**units)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def definitions() -> FeatureDefinitions:
    every_type = {
        "name": FeatureConfig(type=FeatureType.STRING),
        "visits": FeatureConfig(type=FeatureType.INTEGER, default=0),
        "spend": FeatureConfig(type=FeatureType.FLOAT),
        "member": FeatureConfig(type=FeatureType.BOOLEAN),
    }
    return FeatureDefinitions(
        {
            "profile": FeatureGroupConfig(entity="user", features=every_type, history=HistoryConfig()),
            "last-hour": FeatureGroupConfig(
                entity="user", ttl_days=1, features={"clicks": FeatureConfig(type=FeatureType.INTEGER)}
            ),
            "stock": FeatureGroupConfig(entity="item", features={"price": FeatureConfig(type=FeatureType.FLOAT)}),
        }
    )


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """A real client, whose calls moto answers; the tables `features` and `predictions` exist."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        factory = lazy_client(region_name=REGION)
        _make_table(factory(), "features", ["pk", "sk"])
        _make_table(factory(), "predictions", ["pk"])
        yield factory


def _make_table(client: Any, name: str, key: list[str]) -> None:
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": part, "KeyType": kind} for part, kind in zip(key, ["HASH", "RANGE"], strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in key],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def dynamo_store(client: Callable[[], Any], definitions: FeatureDefinitions, clock: Clock) -> DynamoFeatureStore:
    return DynamoFeatureStore("features", definitions, client=client, clock=clock, backoff=QUICK)


@pytest.fixture
def dynamo_cache(client: Callable[[], Any], clock: Clock) -> DynamoPredictionCache:
    return DynamoPredictionCache("predictions", client=client, clock=clock, backoff=QUICK)


class BulkStore(DynamoFeatureStore):
    """A store whose writes go through the bulk writer."""

    bulk: BulkFeatureWriter

    def write(self, writes: Iterable[FeatureWrite]) -> Iterator[WriteResult]:
        return self.bulk.write(writes)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MiniStack, because moto's PartiQL takes no parameters in an INSERT."""
    with ministack(tmp_path_factory.mktemp("ministack")) as address:
        yield address


@pytest.fixture
def bulk_store(
    emulator: str, monkeypatch: pytest.MonkeyPatch, definitions: FeatureDefinitions, clock: Clock
) -> Iterator[BulkStore]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = lazy_client(region_name=REGION, endpoint_url=emulator)
    # A call that is answered too late is made again, and then finds what the first one did.
    with suppress(client().exceptions.ResourceInUseException):
        _make_table(client(), "features", ["pk", "sk"])
    store = BulkStore("features", definitions, client=client, clock=clock, backoff=QUICK)
    store.bulk = BulkFeatureWriter("features", definitions, client=client, clock=clock, backoff=QUICK)
    yield store
    with suppress(client().exceptions.ResourceNotFoundException):
        client().delete_table(TableName="features")


@pytest.fixture(params=["memory", "dynamodb", "bulk"])
def store(request: pytest.FixtureRequest, definitions: FeatureDefinitions, clock: Clock) -> FeatureStore:
    if request.param == "memory":
        return MemoryFeatureStore(definitions, clock=clock)
    made: DynamoFeatureStore = request.getfixturevalue("dynamo_store" if request.param == "dynamodb" else "bulk_store")
    return made


@pytest.fixture(params=["memory", "dynamodb"])
def cache(request: pytest.FixtureRequest, clock: Clock) -> PredictionCache:
    if request.param == "memory":
        return MemoryPredictionCache(clock=clock)
    made: DynamoPredictionCache = request.getfixturevalue("dynamo_cache")
    return made
