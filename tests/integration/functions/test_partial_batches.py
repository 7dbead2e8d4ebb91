"""What a client gets when DynamoDB answers only part of a batch: never a prediction without the missing features."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from slipway.aws.table import Backoff, lazy_client
from slipway.config import load_config
from slipway.features.definitions import FeatureDefinitions
from slipway.features.dynamodb import DynamoFeatureStore
from slipway.features.store import FeatureKey, FeatureWrite, utc_now
from slipway.models.bundle import load_models
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.apis import predict
from slipway.serving.http.app import AppSettings, create_app
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.served import ServedModels

INPUTS = {"inputs": [{"patient": f"p{number}", "age": 1} for number in range(3)]}


@pytest.fixture
def client(aws: None, bundle) -> tuple[TestClient, Callable[[int], None]]:
    """The API on a table, and what makes the table leave out an item of the next answers."""
    config = load_config(bundle / "slipway.yaml")
    factory = lazy_client()
    definitions = FeatureDefinitions(config.features)
    store = DynamoFeatureStore("features", definitions, client=factory, backoff=quick())
    keys = [FeatureKey("patient", f"p{number}", "tumour") for number in range(3)]
    list(store.write(FeatureWrite(key, {"radius": 20.0}, utc_now()) for key in keys))
    left = [0]

    def leave_out(parsed: dict[str, Any], **_: Any) -> None:
        items = parsed.get("Responses", {}).get("features", [])
        if left[0] > 0 and items:
            left[0] -= 1
            item = items.pop()
            parsed["UnprocessedKeys"] = {"features": {"Keys": [{"pk": item["pk"], "sk": item["sk"]}]}}

    factory().meta.events.register("after-call.dynamodb.BatchGetItem", leave_out)
    pipeline = PredictionPipeline(ServedModels(config, load_models(config, bundle)), store=store)
    telemetry = Telemetry("demo", "predict", write=lambda _: None)
    app = create_app(AppSettings("demo", 10_000, telemetry, {"pipeline": pipeline}), [predict.router])

    def leave(times: int) -> None:
        left[0] = times

    return TestClient(app), leave


def quick() -> Backoff:
    return Backoff(attempts=3, first_wait=0.001, longest_wait=0.002)


def test_the_rest_of_a_partial_batch_is_fetched(client) -> None:
    http, leave = client
    leave(1)
    answer = http.post("/v1/models/tiny-tabular/predict", json=INPUTS)
    assert [made["label"] for made in answer.json()["predictions"]] == ["yes"] * 3


def test_a_batch_that_stays_partial_is_a_503(client) -> None:
    http, leave = client
    leave(100)
    answer = http.post("/v1/models/tiny-tabular/predict", json=INPUTS)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "the feature store is unavailable; try again"
