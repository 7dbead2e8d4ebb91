"""A record that gives only an entity gets what a batch job has precomputed, of the version that it is assigned to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.features import MemoryFeatureStore, MemoryPrecomputed
from starlette.testclient import TestClient
from support.packages import make_tabular_package
from support.serving import CONFIG, Api, fields, refused

from slipway.config import parse_config
from slipway.errors import UnavailableError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.precomputed import Precomputed, precomputed_key
from slipway.models.bundle import load_models
from slipway.releases.routing.release import Candidate, Release
from slipway.serving.prediction.live_releases import ConfiguredReleases

MODEL = "tiny-ahead"
PREDICT = f"/v1/models/{MODEL}/predict"
NOW = datetime.now(UTC).replace(microsecond=0)
FIELDS = [
    {"name": "radius", "type": "float", "group": "tumour"},
    {"name": "smooth", "type": "float", "group": "tumour", "default": 0.5},
]
OWN = f"  {MODEL}: {{versions: [1, 2], stable: 1, cache: {{precomputed: patient}}, capture: {{sample: 1}}}}\n"


@pytest.fixture(scope="module")
def ahead_models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    config = parse_config(CONFIG.replace("models:\n", f"models:\n{OWN}"))
    root = tmp_path_factory.mktemp("ahead")
    for version in (1, 2):
        make_tabular_package(root / f"models/{MODEL}/{version}", name=MODEL, version=version, fields=FIELDS)
    only = config.model_copy(update={"models": {MODEL: config.models[MODEL]}})
    return only, load_models(only, root)


@pytest.fixture
def store() -> MemoryPrecomputed:
    return MemoryPrecomputed()


@pytest.fixture
def api(ahead_models: Any) -> Api:
    config, models = ahead_models
    return Api(config, models, MemoryFeatureStore(FeatureDefinitions(config.features)), outputs={})


@pytest.fixture
def client(api: Api, store: MemoryPrecomputed) -> Iterator[TestClient]:
    with api.client(precomputed=store) as client:
        yield client


def answer(label: str = "yes", made_at: datetime = NOW) -> Precomputed:
    scores = {"no": 0.125, "yes": 0.875}
    return Precomputed({"label": label, "score": 0.875, "scores": scores}, {"radius": 9.0, "smooth": 0.5}, made_at)


def put(store: MemoryPrecomputed, version: int = 1, id_: str = "p1", **changes: Any) -> None:
    store.put({precomputed_key(MODEL, version, "patient", id_): answer(**changes)}, timedelta(days=1))


def predict(client: TestClient, *records: dict[str, Any], path: str = PREDICT) -> list[dict[str, Any]]:
    found = client.post(path, json={"inputs": records})
    assert found.status_code == 200, found.text
    made: list[dict[str, Any]] = found.json()["predictions"]
    return made


def test_a_lone_entity_is_answered_ahead_without_its_features(api: Api, client: TestClient, store) -> None:
    put(store)
    [made] = predict(client, {"patient": "p1"})
    assert made.pop("id").startswith(f"{MODEL}.1.")
    assert made == {
        "version": 1, "label": "yes", "score": 0.875, "scores": {"no": 0.125, "yes": 0.875}, "cached": False,
        "precomputed": True, "precomputed_at": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    [line] = api.metrics("PrecomputedHits")
    assert (line["PrecomputedHits"], line["PrecomputedMisses"]) == (1, 0)
    assert api.metrics("FeatureHits") == []
    assert api.metrics("InferenceLatency") == []


def test_what_is_not_precomputed_is_predicted_and_does_not_say_so(api: Api, client: TestClient, store) -> None:
    put(store)
    api.write_patient("p2", radius=1.0)
    made = predict(client, {"patient": "p2"}, {"patient": "p1"}, {"patient": "p1", "smooth": 0.1, "radius": 1.0})
    assert [one.get("precomputed", False) for one in made] == [False, True, False]
    assert set(made[0]) == {"id", "version", "label", "score", "scores", "cached"}
    [line] = api.metrics("PrecomputedHits")
    assert (line["PrecomputedHits"], line["PrecomputedMisses"]) == (1, 1)


def test_an_entity_without_answer_or_features_is_refused_as_ever(client: TestClient) -> None:
    problem = refused(client.post(PREDICT, json={"inputs": [{"patient": "nobody"}]}), 422)
    assert fields(problem) == ["inputs[0].radius"]


def test_another_versions_answer_is_never_given(api: Api, client: TestClient, store) -> None:
    api.write_patient("p1", radius=1.0)
    put(store, version=1)
    [made] = predict(client, {"patient": "p1"}, path=f"/v1/models/{MODEL}/versions/2/predict")
    assert (made["version"], made["label"], "precomputed" in made) == (2, "no", False)


@pytest.mark.parametrize(("weight", "version"), [(0.0, 1), (1.0, 2)])
def test_the_release_decides_whose_answer_it_is(api: Api, store, weight: float, version: int) -> None:
    put(store, version=1, label="no")
    put(store, version=2, label="yes")

    class Moved(ConfiguredReleases):
        def of(self, model: str) -> Release:
            return Release(model, 1, (Candidate(2, weight),), "canary", "salt", None)

    with api.client(precomputed=store, releases=Moved(api.config)) as client:
        [made] = predict(client, {"patient": "p1"})
    assert (made["version"], made["label"], made["precomputed"]) == (version, {1: "no", 2: "yes"}[version], True)


def test_it_dies_with_its_time_to_live(api: Api, client: TestClient, store) -> None:
    api.write_patient("p1", radius=1.0)
    put(store, made_at=NOW - timedelta(days=1, seconds=1))
    [made] = predict(client, {"patient": "p1"})
    assert "precomputed" not in made


def test_a_store_that_is_down_fails_no_prediction(api: Api) -> None:
    class Down(MemoryPrecomputed):
        def get(self, keys):
            raise UnavailableError("precomputed predictions", "down")

    api.write_patient("p1", radius=1.0)
    with api.client(precomputed=Down()) as client:
        [made] = predict(client, {"patient": "p1"})
    assert made["label"] == "no"
    assert api.metrics("CacheErrors")


def test_a_capture_has_the_record_that_was_answered_and_says_when(api: Api, client: TestClient, store) -> None:
    put(store)
    [made] = predict(client, {"patient": "p1"})
    [capture] = [line["capture"] for line in api.lines() if "capture" in line]
    assert capture["id"] == made["id"]
    assert capture["inputs"] == {"radius": 9.0, "smooth": 0.5}
    assert capture["entities"] == {"patient": "p1"}
    assert capture["precomputed"] == int(NOW.timestamp() * 1000)
    assert capture["outputs"]["label"] == "yes"


def test_a_ranking_takes_answers_ahead_too(api: Api, client: TestClient, store) -> None:
    put(store, id_="p1")
    api.write_patient("p2", radius=30.0)
    body = {"items": [{"patient": "p1"}, {"patient": "p2"}], "by": "yes"}
    items = client.post(f"/v1/models/{MODEL}/rank", json=body).json()["items"]
    assert [(item["index"], item.get("precomputed", False)) for item in items] == [(1, False), (0, True)]
    assert items[1]["score"] == 0.875


def test_the_open_protocol_says_how_many(client: TestClient, store) -> None:
    put(store)
    body = {"inputs": [{"name": "patient", "shape": [1], "datatype": "BYTES", "data": ["p1"]}]}
    answered = client.post(f"/v2/models/{MODEL}/infer", json=body).json()
    assert answered["parameters"] == {"precomputed": 1, "precomputed_at": NOW.isoformat()}
    assert answered["outputs"][0]["data"] == ["yes"]


def test_the_document_describes_it(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    [record] = [each for name, each in schemas.items() if name == "TinyAheadRecord1Prediction"]
    assert {"precomputed", "precomputed_at"} <= record["properties"].keys()
    assert not {"precomputed", "precomputed_at"} & set(record["required"])


def test_models_without_the_setting_look_nothing_up(api: Api, store) -> None:
    plain = api.config.models[MODEL].model_copy(update={"cache": api.config.models[MODEL].cache.model_copy(
        update={"precomputed": None})})  # fmt: skip
    api.config = api.config.model_copy(update={"models": {MODEL: plain}})
    api.write_patient("p1", radius=1.0)
    put(store)
    with api.client(precomputed=store) as client:
        [made] = predict(client, {"patient": "p1"})
    assert "precomputed" not in made
    assert api.metrics("PrecomputedHits") == []
