"""The store, the cache and the graphs behind the API: what they give, and what a client gets while they are down."""

import pytest
from starlette.testclient import TestClient
from support.serving import PREDICT, fields, refused

from slipway.errors import UnavailableError


def test_missing_features_come_from_the_store(api, client: TestClient) -> None:
    api.write_patient("p1", radius=20.0)
    inputs = [{"patient": "p1", "age": 40}, {"radius": 0.5, "smooth": 0.1, "age": 1}]
    answer = client.post("/v1/models/tiny-tabular/predict", json={"inputs": inputs})
    assert [made["label"] for made in answer.json()["predictions"]] == ["yes", "no"]
    line = api.metrics("FeatureHits")[0]
    assert (line["FeatureHits"], line["FeatureMisses"], line["Model"]) == (1, 0, "tiny-tabular")


def test_a_feature_that_is_nowhere_is_named(api, client: TestClient) -> None:
    inputs = [{"radius": 1, "smooth": 1, "age": 1}, {"patient": "p404", "age": 1}]
    problem = refused(client.post("/v1/models/tiny-tabular/predict", json={"inputs": inputs}), 422)
    assert fields(problem) == ["inputs[1].radius"]
    assert "p404" in problem["errors"][0]["message"]
    assert api.metrics("Predictions") == []


class DownStore:
    """A store whose table is down, or answers only part of a batch and goes on doing so: both end like this."""

    def read(self, keys):
        raise UnavailableError("feature store", "ProvisionedThroughputExceededException: table internal-name")

    def write(self, writes):
        raise UnavailableError("feature store", "InternalServerError: table internal-name")


def test_a_store_that_is_down_is_a_503_for_those_who_need_it(api) -> None:
    with api.client(store=DownStore()) as client:
        answer = client.post("/v1/models/tiny-tabular/predict", json={"inputs": [{"patient": "p1", "age": 1}]})
        problem = refused(answer, 503)
        assert problem["detail"] == "the feature store is unavailable; try again"
        assert answer.headers["retry-after"] == "1"
        whole = {"radius": 1, "smooth": 1, "age": 1}
        assert client.post("/v1/models/tiny-tabular/predict", json={"inputs": [whole]}).status_code == 200
        assert client.post(PREDICT, json={"inputs": [{"text": "good"}]}).status_code == 200
    error = api.metrics("Faults")[0]
    assert (error["Kind"], error["Model"], error["Errors"]) == ("unavailable", "tiny-tabular", 1)


def test_the_cache_answers_the_second_time(api, client: TestClient) -> None:
    def ask() -> dict:
        path = "/v1/models/tiny-cached/predict"
        return client.post(path, json={"inputs": [{"text": "good"}]}).json()["predictions"][0]

    first, second = ask(), ask()
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["id"] != second["id"]
    assert first["scores"] == second["scores"]
    lines = api.metrics("CacheHits")
    assert [(line["CacheHits"], line["CacheMisses"]) for line in lines] == [(0, 1), (1, 0)]


class DownCache:
    """A cache whose table is down."""

    def get(self, keys):
        raise UnavailableError("prediction cache", "down")

    def put(self, entries, ttl):
        raise UnavailableError("prediction cache", "down")


def test_a_cache_that_is_down_is_counted_and_no_more(api) -> None:
    with api.client(cache=DownCache()) as client:
        answer = client.post("/v1/models/tiny-cached/predict", json={"inputs": [{"text": "good"}]})
    assert answer.status_code == 200
    assert api.metrics("CacheErrors")[0]["CacheErrors"] == 2
    assert api.metrics("Errors") == []


class Broken:
    """A version that fails in a way that nobody foresaw."""

    def __init__(self, manifest) -> None:
        self.manifest = manifest

    def predict(self, records):
        raise ZeroDivisionError("secret of the inside")


def test_what_nobody_foresaw_is_a_500_that_tells_nothing(api, caplog: pytest.LogCaptureFixture) -> None:
    broken = Broken(api.models["tiny-sentiment", 1].manifest)
    with api.client(models={**api.models, ("tiny-sentiment", 1): broken}) as client:
        answer = client.post(PREDICT, json={"inputs": [{"text": "good"}]})
    refused(answer, 500)
    assert "secret" not in answer.text
    assert [record.getMessage() for record in caplog.records] == ["ZeroDivisionError: secret of the inside"]
    assert api.metrics("Faults")[0]["Kind"] == "internal"
