"""Captures say which entities they are about, and a sample of entities has all predictions of an entity or none."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fakes.features import MemoryFeatureStore
from starlette.testclient import TestClient
from support.serving import CONFIG, Api

from slipway.config import parse_config
from slipway.features.definitions import FeatureDefinitions
from slipway.monitoring.feedback.key_ring import IdSigner, KeyStore
from slipway.monitoring.feedback.keys import Keys
from slipway.serving.apis import sagemaker

OWN = "tiny-sentiment: {versions: [1, 2], stable: 1, limits: {characters: 1000}"
TABULAR = "tiny-tabular: {versions: [1], stable: 1"
USERS = [f"u{number}" for number in range(100)]


@pytest.fixture
def with_capture(api: Api) -> Callable[[str], Api]:
    """The API whose two models are captured as given."""

    def make(capture: str) -> Api:
        text = CONFIG
        for model in (OWN, TABULAR):
            text = text.replace(model, f"{model}, capture: {capture}")
        config = parse_config(text)
        return replace(api, config=config, store=MemoryFeatureStore(FeatureDefinitions(config.features)))

    return make


def captured(api: Api) -> list[dict[str, Any]]:
    return [line["capture"] for line in api.lines() if "capture" in line]


def ask(client: TestClient, *users: str, path: str = "/v1/models/tiny-sentiment/predict") -> list[dict[str, Any]]:
    answer = client.post(path, json={"inputs": [{"text": "good", "user": user} for user in users]})
    assert answer.status_code == 200, answer.text
    predictions: list[dict[str, Any]] = answer.json()["predictions"]
    return predictions


def test_a_record_that_names_an_entity_is_captured_with_it_whether_features_are_read_or_not(
    with_capture: Callable[[str], Api],
) -> None:
    api = with_capture("{sample: 1}")
    api.write_patient("p1", radius=1.0, smooth=0.25)
    client = api.client()
    path = "/v1/models/tiny-tabular/predict"
    whole = {"radius": 1.0, "smooth": 0.25, "age": 3}
    records = [{"patient": "p1", "age": 3}, {**whole, "patient": "p2"}, whole]
    assert client.post(path, json={"inputs": records}).status_code == 200
    assert [each.get("entities") for each in captured(api)] == [{"patient": "p1"}, {"patient": "p2"}, None]
    assert captured(api)[0]["inputs"] == whole


def test_a_model_without_features_takes_the_entity_of_slipway_yaml_and_its_graph_does_not(
    with_capture: Callable[[str], Api],
) -> None:
    api = with_capture("{sample: 1, entity: user}")
    client = api.client()
    ask(client, "u42")
    (capture,) = captured(api)
    assert (capture["entities"], capture["inputs"]) == ({"user": "u42"}, {"text": "good"})
    refused = client.post("/v1/models/tiny-sentiment/predict", json={"inputs": [{"text": "good", "user": ""}]})
    assert refused.json()["errors"][0]["field"] == "inputs[0].user"
    unknown = client.post("/v1/models/tiny-cached/predict", json={"inputs": [{"text": "good", "user": "u42"}]})
    assert unknown.status_code == 422
    schema = client.get("/v1/models/tiny-sentiment").json()["versions"][0]["record_schema"]["properties"]["user"]
    assert schema["description"] == "The user that the record is about; the prediction does not depend on it"


def test_users_share_a_cached_answer_and_are_captured_each(api: Api) -> None:
    text = CONFIG.replace("capture: {sample: 1}", "capture: {sample: 1, by: entity, entity: user}")
    named = replace(api, config=parse_config(text))
    client = named.client()
    answers = [ask(client, user, path="/v1/models/tiny-cached/predict")[0] for user in ("u1", "u2")]
    assert [each["cached"] for each in answers] == [False, True]
    assert [each["entities"]["user"] for each in captured(named)] == ["u1", "u2"]


def test_an_input_may_be_the_id(with_capture: Callable[[str], Api]) -> None:
    api = with_capture("{sample: 1, entity: text}")
    client = api.client()
    client.post("/v1/models/tiny-sentiment/predict", json={"inputs": [{"text": "good"}, {"text": ""}]})
    assert [each.get("entities") for each in captured(api)] == [{"text": "good"}, None]


def test_an_entity_is_captured_always_or_never_in_requests_of_one_and_of_many(
    with_capture: Callable[[str], Api],
) -> None:
    api = with_capture("{sample: 0.3, by: entity, entity: user}")
    client = api.client()
    for at in range(0, len(USERS), 10):
        ask(client, *USERS[at : at + 10])
    chosen = {each["entities"]["user"] for each in captured(api)}
    assert 10 < len(chosen) < 60
    api.written.clear()
    for user in USERS:
        ask(client, user, user, path="/v1/models/tiny-sentiment/versions/2/predict")
    found = [each["entities"]["user"] for each in captured(api)]
    assert sorted(found) == sorted([*chosen, *chosen])


def test_an_entity_is_captured_in_tensors_rankings_and_files_alike(with_capture: Callable[[str], Api]) -> None:
    api = with_capture("{sample: 0.5, by: entity, entity: user}")
    app = api.app()
    app.include_router(sagemaker.router)  # of the first model
    client = TestClient(app)
    ask(client, *USERS[:16])
    chosen = {each["entities"]["user"] for each in captured(api)}
    api.written.clear()
    for user in USERS[:16]:
        tensors = [
            {"name": name, "datatype": "BYTES", "shape": [1], "data": [value]}
            for name, value in {"text": "good", "user": user}.items()
        ]
        assert client.post("/v2/models/tiny-sentiment/infer", json={"inputs": tensors}).status_code == 200
        ranking = {"items": [{"text": "good"}, {"text": "bad"}], "context": {"user": user}, "by": "positive"}
        assert client.post("/v1/models/tiny-sentiment/rank", json=ranking).status_code == 200
        rows = {"content": f"text,user\ngood,{user}\n", "headers": {"content-type": "text/csv; header=present"}}
        assert client.post("/invocations", **rows).status_code == 200
    found = [each["entities"]["user"] for each in captured(api)]
    assert {user: found.count(user) for user in found} == dict.fromkeys(chosen, 4)


def test_records_that_name_nobody_are_captured_by_request(with_capture: Callable[[str], Api]) -> None:
    api = with_capture("{sample: 0.5, by: entity, entity: user}")
    client = api.client()
    for _ in range(40):
        client.post("/v1/models/tiny-sentiment/predict", json={"inputs": [{"text": "good"}] * 4})
    written = [text.count('{"capture":') for text in api.written]
    assert set(written) == {0, 4}
    assert 5 < written.count(4) < 35


class _Down:
    """A `KeyStore` that has never been read."""

    def read(self) -> Keys | None:
        return None

    def create(self, keys: Keys) -> None:
        """Lose the keys."""


def test_without_the_shared_key_no_entity_is_captured(with_capture: Callable[[str], Api]) -> None:
    api = with_capture("{sample: 0.99, by: entity, entity: user}")
    store: KeyStore = _Down()
    client = api.client(ids=IdSigner(store))
    ask(client, *USERS[:16])
    assert captured(api) == []
