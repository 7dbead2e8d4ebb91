"""A job over the tables of a deployment: features in, answers out, and the API answers from these."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from starlette.testclient import TestClient
from support.packages import make_tabular_package

from slipway.aws.table import lazy_client
from slipway.batch.features import FeaturesFrom
from slipway.batch.job import Extras
from slipway.batch.local import LocalJob, run
from slipway.batch.stores import Stores
from slipway.config import parse_config
from slipway.features.definitions import FeatureDefinitions
from slipway.features.dynamodb import DynamoFeatureStore
from slipway.features.precomputed_table import DynamoPrecomputed
from slipway.features.store import FeatureKey, FeatureWrite, utc_now
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.apis import predict
from slipway.serving.http.app import AppSettings, create_app
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.served import ServedModels

CONFIG = parse_config("""
project: demo
api: {authorization: none}
models: {tiny-tabular: {versions: [1, 2], stable: 1, cache: {precomputed: patient}}}
features: {tumour: {entity: patient, features: {radius: {type: float}, smooth: {type: float}}}}
""")
FIELDS = [{"name": "radius", "type": "float", "group": "tumour"}, {"name": "smooth", "type": "float", "default": 1.0}]
REGION = "eu-west-1"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """The tables in moto."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        factory = lazy_client(region_name=REGION)
        for table, keys in {"features": ["pk", "sk"], "predictions": ["pk"]}.items():
            kinds = dict(zip(keys, ["HASH", "RANGE"], strict=False))
            factory().create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in kinds.items()],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                BillingMode="PAY_PER_REQUEST",
            )
        yield factory


def test_features_come_from_the_table_and_the_api_answers_from_the_job(client, tmp_path: Path) -> None:
    make_tabular_package(tmp_path / "1", fields=FIELDS)
    store = DynamoFeatureStore("features", FeatureDefinitions(CONFIG.features), client=client)
    patients = {f"p{number}": float(number) for number in range(250)}
    writes = [
        FeatureWrite(FeatureKey("patient", id_, "tumour"), {"radius": r}, utc_now()) for id_, r in patients.items()
    ]
    assert all(result.stored for result in store.write(writes))
    (tmp_path / "in.csv").write_text("patient\nnobody\n" + "".join(f"{id_}\n" for id_ in patients))
    extras = Extras(features=FeaturesFrom.STORE, precompute="patient", ttl=timedelta(hours=1))
    stores = Stores(CONFIG.features, "features", None, "predictions", {"region_name": REGION})
    job = LocalJob(tmp_path / "1", tmp_path / "in.csv", tmp_path / "out", extras=extras, stores=stores)
    summary = run(job)
    assert (summary.scored, summary.rejected, summary.precomputed) == (250, 1, 250)

    predictors = {("tiny-tabular", 1): Predictor(load_package(tmp_path / "1"))}
    # The online store is not there: what was precomputed is answered without it.
    pipeline = PredictionPipeline(
        ServedModels(CONFIG, predictors), precomputed=DynamoPrecomputed("predictions", client=client)
    )
    settings = AppSettings("demo", 100_000, Telemetry("demo", "predict", write=lambda _: None), {"pipeline": pipeline})
    with TestClient(create_app(settings, (predict.router,))) as api:
        body = {"inputs": [{"patient": "p3"}, {"patient": "p200"}]}
        made = api.post("/v1/models/tiny-tabular/predict", json=body).json()["predictions"]
        assert [(each["label"], each["precomputed"]) for each in made] == [("no", True), ("yes", True)]
        assert api.post("/v1/models/tiny-tabular/predict", json={"inputs": [{"patient": "nobody"}]}).status_code == 503
