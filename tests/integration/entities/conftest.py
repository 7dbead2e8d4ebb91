"""Tables and buckets of moto, filled with the lives of two users as the functions fill them."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.entities import CONFIG, KEPT, MODEL, PLACE, U7, U42, World, given_up, line

from slipway.aws.partitions import PartitionTable
from slipway.aws.table import DynamoTable, lazy_client
from slipway.features.cache import cache_key
from slipway.features.definitions import FeatureDefinitions
from slipway.features.dynamodb import DynamoFeatureStore, DynamoPredictionCache
from slipway.features.precomputed import Precomputed, precomputed_key
from slipway.features.precomputed_table import DynamoPrecomputed
from slipway.features.store import FeatureKey, FeatureWrite
from slipway.monitoring.accuracy.labels_table import DynamoLabelStore
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.collecting import Retention, Stores
from slipway.monitoring.captures.parsing import read_captures
from slipway.monitoring.captures.reservoir import reservoir_of
from slipway.monitoring.captures.reservoir_store import BucketReservoir
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.entities.forgotten import DynamoForgotten
from slipway.monitoring.entities.index_table import DynamoEntityIndex
from slipway.monitoring.erasure.bucket import VersionedFiles
from slipway.monitoring.erasure.eraser import Eraser, Places
from slipway.monitoring.erasure.progress import DynamoProgress
from slipway.monitoring.erasure.shelves import CAPTURE_BUCKET, HISTORY_BUCKET, SHELVES
from slipway.monitoring.feedback.store import Feedback
from slipway.monitoring.feedback.table import DynamoFeedbackStore


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """moto answers, and the tables and buckets exist."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = lazy_client()()
        for table, keys in {"features": ("pk", "sk"), "control": ("pk", "sk"), "predictions": ("pk",)}.items():
            kinds = {"pk": "HASH", "sk": "RANGE"}
            schema: Any = [{"AttributeName": key, "KeyType": kinds[key]} for key in keys]
            attributes: Any = [{"AttributeName": key, "AttributeType": "S"} for key in keys]
            client.create_table(
                TableName=table, KeySchema=schema, AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST"
            )
        for bucket in ("captures", "history"):
            boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=PLACE)
        yield


@pytest.fixture
def world() -> World:
    labels = DynamoLabelStore(DynamoTable("control", dependency="control table"))
    stores = Stores(CaptureBucket("captures"), labels, DynamoEntityIndex("control"), DynamoForgotten("control"))
    return World(stores, Retention({MODEL}, KEPT, entities={MODEL: None}))


@pytest.fixture
def lives(world: World) -> dict[Subject, list[str]]:
    """The ids of the predictions of two users, who have everything that there is."""
    lines = {subject: [line(subject, number) for number in range(3)] for subject in (U42, U7)}
    world.capture(*(each for of_one in lines.values() for each in of_one))
    captures = {subject: read_captures(of_one).captures for subject, of_one in lines.items()}
    every = [capture for of_one in captures.values() for capture in of_one]
    BucketReservoir(CaptureBucket("captures")).write(MODEL, 1, every[0].made_at, reservoir_of(every, 10))
    DynamoPredictionCache("predictions").put(
        {cache_key(MODEL, 1, capture.inputs): capture.outputs for capture in every}, timedelta(days=1)
    )
    made = Precomputed({"value": 1.0}, {}, datetime.now(UTC))
    ahead = {precomputed_key(MODEL, version, *subject): made for subject in captures for version in (1, 2)}
    DynamoPrecomputed("predictions").put(ahead, timedelta(days=1))
    definitions = FeatureDefinitions(CONFIG.features)
    store = DynamoFeatureStore("features", definitions)
    for subject, of_one in captures.items():
        DynamoFeedbackStore("control").put(Feedback(of_one[0].prediction, label="negative"))
        write = FeatureWrite(FeatureKey(*subject, "profile"), {"age": 40}, datetime.now(UTC))
        assert [each.stored for each in store.write([write])] == [True]
    s3 = boto3.client("s3")
    s3.put_object(Bucket="captures", Key="aws/lambda/async/e/1", Body=given_up(*(line(each, 5) for each in lines)))
    rows = [{"entity": "user", "id": each.id, "change": "write", "features": {"age": 40}} for each in lines]
    content = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    s3.put_object(Bucket="history", Key="history/group=profile/lines/date=2026-11-21/x.jsonl.gz", Body=content)
    return {subject: [capture.id for capture in of_one] for subject, of_one in captures.items()}


Make = Callable[..., Eraser]


@pytest.fixture
def eraser() -> Make:
    """Makes an eraser; ``files`` replace those of a bucket."""

    def make(files: Mapping[str, VersionedFiles] | None = None) -> Eraser:
        control = PartitionTable("control", dependency="control")
        places = Places(
            features=PartitionTable("features", dependency="features"),
            control=control,
            cache=PartitionTable("predictions", dependency="predictions"),
            files={
                CAPTURE_BUCKET: VersionedFiles("captures"),
                HISTORY_BUCKET: VersionedFiles("history"),
                **(files or {}),
            },
            shelves=SHELVES,
            versions=[(MODEL, 1), (MODEL, 2)],
        )
        return Eraser(places, DynamoForgotten("control"), DynamoProgress(control), lambda _folder, _count: None)

    return make
