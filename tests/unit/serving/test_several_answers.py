"""Models with several answers, over every API: predictions, tensors, SageMaker, rankings, captures and feedback."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fakes.features import MemoryFeatureStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from support.serving import ROUTERS, Api, fields, refused
from support.several import LABELS, TARGETS, make_labels_package, make_values_package

import slipway
from slipway.config import parse_config
from slipway.features.definitions import FeatureDefinitions
from slipway.models.bundle import load_models
from slipway.models.prediction.labels import bundled_outputs
from slipway.serving.apis import sagemaker

CONFIG = """
project: demo
api: {authorization: none}
models:
  tiny-labels: {versions: [1], stable: 1, cache: {enabled: true}, capture: {sample: 1}}
  tiny-values: {versions: [1], stable: 1, cache: {enabled: true}, capture: {sample: 1}}
"""
ROWS = [{"a": 2.0, "b": 1.0}, {"a": -2.0, "b": -3.0}, {"a": -3.0, "b": -2.0}]
MADE = [["billing", "urgent", "spam mail"], ["spam mail"], []]
EDGES = (-100.0, 100.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    make_labels_package(folder / "models/tiny-labels/1")
    make_values_package(folder / "models/tiny-values/1")
    return folder


@pytest.fixture
def several(root: Path) -> Api:
    config = parse_config(CONFIG)
    known = bundled_outputs(config, root)
    return Api(config, load_models(config, root), MemoryFeatureStore(FeatureDefinitions({})), outputs=known)


@pytest.fixture
def client(several: Api) -> TestClient:
    return several.client()


def predict(client: TestClient, model: str, rows: list[dict[str, float]]) -> list[dict[str, Any]]:
    answer = client.post(f"/v1/models/{model}/predict", json={"inputs": rows})
    assert answer.status_code == 200, answer.text
    made: list[dict[str, Any]] = answer.json()["predictions"]
    return made


def test_all_labels_over_their_thresholds_are_answered(client: TestClient) -> None:
    made = predict(client, "tiny-labels", ROWS)
    assert [each["labels"] for each in made] == MADE
    assert list(made[0]["scores"]) == list(LABELS)
    assert made[0]["scores"]["billing"] == pytest.approx(0.880797)
    assert all("label" not in each and "score" not in each for each in made)


def test_each_target_has_its_value(client: TestClient) -> None:
    made = predict(client, "tiny-values", ROWS)
    assert [each["values"] for each in made] == [
        dict(zip(TARGETS, row, strict=True)) for row in ((4.0, -1.0), (-4.0, -1.0), (-6.0, 1.0))
    ]


def test_cached_answers_are_the_same(client: TestClient) -> None:
    for model in ("tiny-labels", "tiny-values"):
        first, second = predict(client, model, ROWS), predict(client, model, ROWS)
        assert {each.pop("cached") for each in first} == {False}
        assert {each.pop("cached") for each in second} == {True}
        assert [each.pop("id") != other.pop("id") for each, other in zip(first, second, strict=True)] == [True] * 3
        assert first == second


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.fixed_dictionaries({"a": st.floats(*EDGES), "b": st.floats(*EDGES)}), min_size=1, max_size=5))
def test_the_api_answers_as_a_loaded_model_does(root: Path, several: Api, rows: list[dict[str, float]]) -> None:
    client = several.client()
    for model in ("tiny-labels", "tiny-values"):
        loaded = slipway.load(root / "models" / model / "1").predict(rows)
        made = predict(client, model, rows)
        assert [{name: each[name] for name in own} for each, own in zip(made, loaded, strict=True)] == loaded
        assert [each.keys() - own.keys() for each, own in zip(made, loaded, strict=True)] == [
            {"id", "version", "cached"}
        ] * len(rows)


def test_answers_fit_the_openapi_document(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for model in ("tiny-labels", "tiny-values"):
        path = f"/v1/models/{model}/predict"
        answer = client.post(path, json={"inputs": ROWS}).json()
        schema = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
        assert not list(validator.iter_errors(answer))
        changed = answer["predictions"][0]
        changed.update({"labels": ["fraud"]} if "labels" in changed else {"values": {}})
        assert list(validator.iter_errors(answer))


def test_tensors_have_a_column_for_each_label_or_target(client: TestClient) -> None:
    inputs = [
        {"name": name, "shape": [3], "datatype": "FP64", "data": [row[name] for row in ROWS]} for name in ("a", "b")
    ]
    labels = client.post("/v2/models/tiny-labels/infer", json={"inputs": inputs}).json()["outputs"]
    values = client.post("/v2/models/tiny-values/infer", json={"inputs": inputs}).json()["outputs"]

    assert [(each["name"], each["datatype"], each["shape"]) for each in (*labels, *values)] == [
        ("labels", "BOOL", [3, 3]),
        ("scores", "FP32", [3, 3]),
        ("prediction_id", "BYTES", [3]),
        ("values", "FP64", [3, 2]),
        ("prediction_id", "BYTES", [3]),
    ]
    assert labels[0]["data"] == [label in made for made in MADE for label in LABELS]
    assert values[0]["data"] == [4.0, -1.0, -4.0, -1.0, -6.0, 1.0]
    described = client.get("/v2/models/tiny-values").json()["outputs"]
    columns = {"columns": list(TARGETS)}
    assert described[0] == {"name": "values", "datatype": "FP64", "shape": [-1, 2], "parameters": columns}


def test_the_openapi_document_names_the_tensors_of_each_version(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for model, own in (("tiny-labels", ["labels", "scores"]), ("tiny-values", ["values"])):
        operation = document["paths"][f"/v2/models/{model}/versions/1/infer"]["post"]
        answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
        (named,) = referenced(document, answer["$ref"])["allOf"][1]["properties"].values()
        assert named == {"items": {"properties": {"name": {"enum": [*own, "prediction_id"]}}}}
        asked = referenced(document, operation["requestBody"]["content"]["application/json"]["schema"]["$ref"])
        assert asked["allOf"][1]["properties"]["inputs"] == {"items": {"properties": {"name": {"enum": ["a", "b"]}}}}


def referenced(document: dict[str, Any], ref: str) -> dict[str, Any]:
    found = document
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("tiny-labels", '"[""billing"",""urgent"",""spam mail""]",0.880797,0.731059,0.731059\n[],'),
        ("tiny-values", "4.0,-1.0\n-6.0,1.0\n"),
    ],
)
def test_sagemaker_answers_in_csv(root: Path, monkeypatch: pytest.MonkeyPatch, model: str, text: str) -> None:
    monkeypatch.setattr("support.serving.ROUTERS", (*ROUTERS, sagemaker.router))
    config = parse_config(
        f"project: demo\napi: {{authorization: none}}\nmodels: {{{model}: {{versions: [1], stable: 1}}}}"
    )
    api = Api(config, load_models(config, root), MemoryFeatureStore(FeatureDefinitions({})))
    answer = api.client().post("/invocations", content=b"2,1\n-3,-2\n", headers={"content-type": "text/csv"})
    assert answer.status_code == 200
    assert answer.text.startswith(text)


def test_items_rank_by_a_label_or_a_target(client: TestClient) -> None:
    def order(model: str, **ask: Any) -> list[int]:
        answer = client.post(f"/v1/models/{model}/rank", json={"items": ROWS, **ask})
        assert answer.status_code == 200, answer.text
        return [item["index"] for item in answer.json()["items"]]

    assert order("tiny-labels", by="billing") == [0, 1, 2]
    assert order("tiny-values", by="height (cm)") == [2, 0, 1]
    problem = refused(client.post("/v1/models/tiny-values/rank", json={"items": ROWS}), 422)
    message = "is required: the target whose value ranks, of width, height (cm)"
    assert problem["errors"] == [{"field": "by", "message": message}]


def test_captures_and_feedback_count_right_sets_of_labels(several: Api) -> None:
    with several.client() as client:
        ids = [made["id"] for made in predict(client, "tiny-labels", ROWS)]
        captures = [line["capture"] for line in several.lines() if "capture" in line]
        assert [capture["outputs"]["labels"] for capture in captures] == MADE

        def say(id: str, **said: Any) -> Any:
            return client.post("/v1/feedback", json={"prediction_id": id, **said})

        assert say(ids[0], labels=["spam mail", "urgent", "billing"]).json()["status"] == "stored"
        assert say(ids[0], labels=["billing", "urgent", "spam mail"]).json()["status"] == "already stored"
        assert say(ids[0], labels=["billing"]).status_code == 409
        assert say(ids[2], labels=[]).status_code == 201
        assert fields(refused(say(ids[1], labels=["spam"]), 422)) == ["labels"]
        problem = refused(say(ids[1], label="urgent"), 422)
        assert problem["errors"][0]["message"] == "is not what tiny-labels 1 answers; give `labels`, or a reward"
        assert fields(refused(say(ids[1], values={"width": 1}), 422)) == ["values"]
        assert say(ids[1], reward=0.5).status_code == 201


def test_feedback_of_values_has_every_target(several: Api) -> None:
    with several.client() as client:
        (made,) = predict(client, "tiny-values", ROWS[:1])
        said = {"prediction_id": made["id"]}
        problem = refused(client.post("/v1/feedback", json={**said, "values": {"width": 3}}), 422)
        message = "must have a number for each target of tiny-values 1: width, height (cm)"
        assert problem["errors"] == [{"field": "values", "message": message}]
        assert fields(refused(client.post("/v1/feedback", json={**said, "value": 3}), 422)) == ["value"]
        whole = {"width": 3, "height (cm)": -0.5}
        assert client.post("/v1/feedback", json={**said, "values": whole}).status_code == 201
        assert client.post("/v1/feedback", json={**said, "values": whole}).json()["status"] == "already stored"
