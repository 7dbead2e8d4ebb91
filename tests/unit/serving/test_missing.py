"""Missing values over HTTP: in predictions, tensors, rankings, captures and the OpenAPI document."""

from pathlib import Path

import pytest
from fakes.features import MemoryFeatureStore
from starlette.testclient import TestClient
from support.nullable import INPUTS, WHOLE, make_nullable_package, nullable_graph
from support.serving import Api, fields, refused

from slipway.config import parse_config
from slipway.features.definitions import FeatureDefinitions
from slipway.features.store import FeatureKey, FeatureWrite, utc_now
from slipway.models.bundle import load_models
from slipway.serving.apis import sagemaker

CONFIG = """
project: demo
api: {authorization: none}
models: {flights: {versions: [1], stable: 1, cache: {enabled: true}, capture: {sample: 1}}}
features: {weather: {entity: airport, features: {wind: {type: float}, rain: {type: float}}}}
"""
PREDICT = "/v1/models/flights/predict"


@pytest.fixture
def flights(tmp_path: Path) -> Api:
    config = parse_config(CONFIG)
    (tmp_path / "models/flights").mkdir(parents=True)
    make_nullable_package(tmp_path / "models/flights/1", nullable_graph(), INPUTS)
    return Api(config, load_models(config, tmp_path), MemoryFeatureStore(FeatureDefinitions(config.features)))


@pytest.fixture
def flights_client(flights: Api) -> TestClient:
    return flights.client()


def values(answer) -> list[float]:
    assert answer.status_code == 200, answer.text
    return [made["value"] for made in answer.json()["predictions"]]


def test_null_absent_and_nan_are_missing(flights_client: TestClient) -> None:
    nulls = {"wind": None, "seats": None, "carrier": None, "distance": 1}
    assert values(flights_client.post(PREDICT, json={"inputs": [WHOLE, nulls, {"wind": 1, "distance": 1}]})) == [
        0,
        3,
        2,
    ]
    body = b'{"inputs": [{"wind": NaN, "seats": NaN, "distance": 1}]}'
    assert values(flights_client.post(PREDICT, content=body, headers={"content-type": "application/json"})) == [3]


def test_other_inputs_keep_their_errors(flights_client: TestClient) -> None:
    answer = flights_client.post(PREDICT, json={"inputs": [{**WHOLE, "distance": None}, {"wind": 1}]})
    assert fields(refused(answer, 422)) == ["inputs[0].distance", "inputs[1].distance"]


def test_a_missing_row_and_one_without_the_feature_are_missing_values(flights: Api) -> None:
    write = FeatureWrite(FeatureKey("airport", "JFK", "weather"), {"rain": 1.0}, utc_now())
    assert [result.stored for result in flights.store.write([write])] == [True]
    record = {"seats": 1, "carrier": "AA", "distance": 1}
    answer = flights.client().post(PREDICT, json={"inputs": [{**record, "airport": id} for id in ("JFK", "LGA")]})
    assert values(answer) == [1, 1]


def test_a_feature_written_as_null_is_a_missing_value(flights: Api) -> None:
    with flights.client() as client:
        body = {"groups": {"weather": {"event_time": "2026-01-31T12:00:00Z", "values": {"wind": None, "rain": 1}}}}
        assert client.put("/v1/features/airport/JFK", json=body).status_code == 200
        assert client.get("/v1/features/airport/JFK").json()["groups"]["weather"]["values"] == {"rain": 1.0}
        record = {"seats": 1, "carrier": "AA", "distance": 1, "airport": "JFK"}
        assert values(client.post(PREDICT, json={"inputs": [record]})) == [1]


def test_captures_hold_null(flights: Api) -> None:
    with flights.client() as client:
        client.post(PREDICT, json={"inputs": [{"wind": None, "distance": 1}]})
    (capture,) = [line["capture"] for line in flights.lines() if "capture" in line]
    assert capture["inputs"] == {"wind": None, "seats": None, "carrier": None, "distance": 1.0}


def test_the_cache_knows_missing_values(flights_client: TestClient) -> None:
    for cached in (False, True):
        made = flights_client.post(PREDICT, json={"inputs": [{"wind": None, "distance": 1}]}).json()["predictions"]
        assert (made[0]["value"], made[0]["cached"]) == (3, cached)


def test_tensors_hold_null_and_nan_and_integers_as_floats(flights_client: TestClient) -> None:
    inputs = [
        {"name": "wind", "datatype": "FP64", "shape": [2], "data": [None, 2.0]},
        {"name": "seats", "datatype": "FP64", "shape": [2], "data": [120.0, None]},
        {"name": "carrier", "datatype": "BYTES", "shape": [2], "data": [None, "UA"]},
        {"name": "distance", "datatype": "FP64", "shape": [2], "data": [1.0, 2.0]},
    ]
    answer = flights_client.post("/v2/models/flights/infer", json={"inputs": inputs})
    assert answer.status_code == 200, answer.text
    assert {output["name"]: output["data"] for output in answer.json()["outputs"]}["value"] == [2, 1]


def test_an_empty_cell_is_missing_and_not_taken_from_the_store(flights: Api) -> None:
    # Without a value for the wind, the row would have to name its airport.
    rows = b"seats,carrier,distance,wind\n1,AA,1,\n,,1,NA\n"
    headers = {"content-type": "text/csv; header=present", "accept": "application/json"}
    app = flights.app()
    app.include_router(sagemaker.router)
    with TestClient(app) as client:
        assert values(client.post("/invocations", content=rows, headers=headers)) == [1, 3]


def test_rankings_take_missing_values(flights_client: TestClient) -> None:
    items = [{"wind": 1.0}, {"wind": None}, {"wind": 1.0, "seats": None}]
    body = {"context": {"seats": 4, "carrier": "AA", "distance": 1}, "items": items}
    answer = flights_client.post("/v1/models/flights/rank", json={**body, "limit": 3}).json()
    assert [(item["index"], item["score"]) for item in answer["items"]] == [(1, 1), (2, 1), (0, 0)]


def test_the_document_says_what_may_be_missing(flights_client: TestClient) -> None:
    schema = flights_client.get("/openapi.json").json()["components"]["schemas"]["FlightsRecord1"]
    assert schema["required"] == ["distance"]
    assert schema["properties"]["seats"]["type"] == ["integer", "null"]
