"""The whole API in one process: small real packages, the stores in memory, and a client.

Fixtures for the `conftest.py` of each folder that asks the API something.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fakes.features import MemoryFeatureStore, MemoryPredictionCache
from fakes.feedback import MemoryFeedbackStore
from fastapi import FastAPI
from starlette.testclient import TestClient

from slipway.config import Config, parse_config
from slipway.features.definitions import FeatureDefinitions
from slipway.features.store import FeatureKey, FeatureWrite, utc_now
from slipway.models.bundle import load_models
from slipway.models.manifest import Outputs
from slipway.models.prediction.predictor import Predictor
from slipway.monitoring.feedback.key_ring import IdSigner, IdVerifier, OwnKeys
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.apis import (
    docs,
    features,
    feedback,
    health,
    model_statistics,
    models,
    oip,
    predict,
    rank,
    repository,
)
from slipway.serving.http.app import AppSettings, create_app
from slipway.serving.http.openapi import openapi_document
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.served import ServedModels
from support.packages import make_regression_package, make_tabular_package, make_text_package

CONFIG = """
project: demo
api:
  authorization: none # who may call is the gateway's to decide
  limits: {body_bytes: 65536, records: 16, text_characters: 200}
models:
  tiny-sentiment: {versions: [1, 2], stable: 1, limits: {characters: 1000}}
  tiny-cached: {versions: [1], stable: 1, cache: {enabled: true}, capture: {sample: 1}}
  tiny-tabular: {versions: [1], stable: 1}
  tiny-price: {versions: [1], stable: 1, limits: {records: 4}}
features:
  tumour:
    entity: patient
    features: {radius: {type: float}, smooth: {type: float}}
  notes:
    entity: patient
    ttl_days: 30
    features: {text: {type: string}, count: {type: integer, default: 0}}
"""

PREDICT = "/v1/models/tiny-sentiment/predict"
PROBLEM = "application/problem+json"

Models = dict[tuple[str, int], Predictor]
ROUTERS = (
    *(
        predict.router,
        rank.router,
        models.router,
        model_statistics.router,
        oip.router,
        repository.router,
        health.router,
    ),
    *(features.router, feedback.router),
)


@pytest.fixture(scope="session")
def config() -> Config:
    return parse_config(CONFIG)


@pytest.fixture(scope="session")
def loaded_models(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Models:
    root: Path = tmp_path_factory.mktemp("bundle")
    make_text_package(root / "models/tiny-sentiment/1")
    make_text_package(root / "models/tiny-sentiment/2", version=2)
    make_text_package(root / "models/tiny-cached/1", name="tiny-cached")
    make_tabular_package(root / "models/tiny-tabular/1")
    # Without ranges a caller could make float32 overflow, which is the model's fault and a 500.
    ranges = [{"name": name, "type": "float", "min": 0, "max": 1000} for name in ("rooms", "area")]
    make_regression_package(root / "models/tiny-price/1", inputs=ranges)
    return load_models(config, root)


def own_keys() -> OwnKeys:
    """Keys that exist, as they do once anything was predicted."""
    keys = OwnKeys()
    IdSigner(keys).load()
    return keys


@dataclass
class Api:
    """What a test needs to hold of the API."""

    config: Config
    models: Models
    store: MemoryFeatureStore
    cache: Any = field(default_factory=MemoryPredictionCache)
    feedback: Any = field(default_factory=MemoryFeedbackStore)
    written: list[str] = field(default_factory=list)
    keys: OwnKeys = field(default_factory=own_keys)
    outputs: Mapping[tuple[str, int], Outputs] | None = None

    def sign(self, id_: str) -> str:
        """An id as the API issues it."""
        signer = IdSigner(self.keys)
        signer.load()
        return signer.sign(id_)

    def app(self, **changes: Any) -> FastAPI:
        """The app of all functions; ``changes`` replace the store, the cache, the models or the releases."""
        served = ServedModels(
            self.config,
            changes.pop("models", self.models),
            releases=changes.pop("releases", None),
            load=changes.pop("load", None),
        )
        used = {"store": self.store, "cache": self.cache, "ids": IdSigner(self.keys), **changes}
        state = {
            "pipeline": PredictionPipeline(served, **used),
            "readiness": health.Readiness(),
            "definitions": served.definitions,
            "store": used["store"],
            "models": self.config.models,
            "feedback": self.feedback,
            "outputs": self._known_outputs() if self.outputs is None else self.outputs,
            "ids": IdVerifier(self.keys),
            "document": lambda: openapi_document(served, ROUTERS),
        }
        telemetry = Telemetry("demo", "predict", write=self.written.append)
        settings = AppSettings("demo", self.config.api.limits.body_bytes, telemetry, state)
        return create_app(settings, (*ROUTERS, docs.router))

    def _known_outputs(self) -> dict[tuple[str, int], Outputs]:
        """Those of one model only, as if the others came from the registry."""
        return {key: model.manifest.outputs for key, model in self.models.items() if key[0] == "tiny-sentiment"}

    def client(self, **changes: Any) -> TestClient:
        return TestClient(self.app(**changes), raise_server_exceptions=False)

    def write_patient(self, id: str = "p1", **values: float) -> None:
        write = FeatureWrite(FeatureKey("patient", id, "tumour"), values, utc_now())
        assert [result.stored for result in self.store.write([write])] == [True]

    def lines(self) -> list[dict[str, Any]]:
        """Everything that telemetry wrote."""
        return [json.loads(line) for text in self.written for line in text.splitlines()]

    def metrics(self, name: str) -> list[dict[str, Any]]:
        """The metric lines that hold ``name``."""
        return [line for line in self.lines() if name in line]


@pytest.fixture
def api(config: Config, loaded_models: Models) -> Api:
    return Api(config, loaded_models, MemoryFeatureStore(FeatureDefinitions(config.features)))


@pytest.fixture
def client(api: Api) -> Iterator[TestClient]:
    with api.client() as client:
        yield client


def refused(answer: Any, status: int) -> dict[str, Any]:
    """The problem document of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["instance"] == answer.request.url.path
    assert "Traceback" not in answer.text
    return problem


def fields(problem: dict[str, Any]) -> list[str]:
    return [error["field"] for error in problem["errors"]]
