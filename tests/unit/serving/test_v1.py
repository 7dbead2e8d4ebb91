"""The v1 protocol: what a client gets for good and bad calls."""

import json
import re
from codecs import BOM_UTF8

import pytest
from starlette.testclient import TestClient
from support.serving import CONFIG, PREDICT, fields, refused

from slipway.config import parse_config
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id


def test_predictions_come_in_the_order_of_the_inputs(client: TestClient) -> None:
    texts = ["good sunny", "awful", "hm", "bad bad"]
    answer = client.post(PREDICT, json={"inputs": [{"text": text} for text in texts]})
    assert answer.status_code == 200
    body = answer.json()
    assert body["model"] == "tiny-sentiment"
    made = body["predictions"]
    assert [one["label"] for one in made] == ["positive", "negative", "neutral", "negative"]
    assert {one["version"] for one in made} == {1}
    assert {one["cached"] for one in made} == {False}
    assert made[0]["score"] == max(made[0]["scores"].values())
    ids = [parse_prediction_id(one["id"]) for one in made]
    assert len({id.random for id in ids}) == 4
    assert {(id.model, id.version) for id in ids} == {("tiny-sentiment", 1)}


def test_a_version_can_be_addressed(client: TestClient) -> None:
    answer = client.post("/v1/models/tiny-sentiment/versions/2/predict", json={"inputs": [{"text": "good"}]})
    assert answer.json()["predictions"][0]["version"] == 2


def test_a_regression_has_a_value(client: TestClient) -> None:
    answer = client.post("/v1/models/tiny-price/predict", json={"inputs": [{"rooms": 3, "area": 70.5}]})
    made = answer.json()["predictions"][0]
    assert made["value"] == 73.5
    assert set(made) == {"id", "version", "value", "cached"}


def test_every_wrong_field_is_named_and_nothing_is_predicted(api, client: TestClient) -> None:
    inputs = [{"text": "good"}, {"text": 5}, {"txt": "x"}, "text", {"text": "x" * 201}]
    problem = refused(client.post(PREDICT, json={"inputs": inputs}), 422)
    assert fields(problem) == ["inputs[1].text", "inputs[2].text", "inputs[2].txt", "inputs[3]", "inputs[4].text"]
    assert "(and 4 more)" in problem["detail"]
    assert api.metrics("Predictions") == []
    assert api.metrics("Errors")[0]["Kind"] == "input"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("NaN", "finite"),
        ("Infinity", "finite"),
        ("-Infinity", "finite"),
        ("1e999", "finite"),
        ("true", "number"),
        ('"3"', "number"),
        ("null", "number"),
        ("[3]", "number"),
        ("1001", "at most 1000"),
        ("-1", "at least 0"),
    ],
)
def test_numbers_must_be_numbers(client: TestClient, value: str, message: str) -> None:
    body = f'{{"inputs": [{{"rooms": {value}, "area": 1}}]}}'
    problem = refused(post(client, "/v1/models/tiny-price/predict", body), 422)
    assert fields(problem) == ["inputs[0].rooms"]
    assert message in problem["errors"][0]["message"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "nonsense",
        "[" * 30_000,
        '{"inputs": ' + '{"a":' * 5_000,
        '{"inputs": [{"text": "\\ud800"}]}',
        '{"inputs": [{"rooms": ' + "9" * 5_000 + ', "area": 1}]}',
        b"\xff\xfe{}",
        b'{"inputs": [{"text": "\xff"}]}',
    ],
)
def test_what_is_not_json_is_a_400_or_422(client: TestClient, body: str | bytes) -> None:
    answer = post(client, "/v1/models/tiny-price/predict", body)
    assert answer.status_code in (400, 422)
    refused(answer, answer.status_code)


PATHS = (PREDICT, "/v1/models/tiny-price/rank", "/v1/feedback", "/v1/features/batch-write")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", ["null", "[]", "3"])
def test_a_body_that_is_no_object_is_named_as_the_body(client: TestClient, path: str, body: str) -> None:
    assert fields(refused(post(client, path, body), 422)) == ["(body)"]


@pytest.mark.parametrize("path", PATHS)
def test_a_byte_order_mark_changes_nothing(client: TestClient, path: str) -> None:
    plain, marked = (post(client, path, mark + b"{}") for mark in (b"", BOM_UTF8))
    assert plain.status_code == 422
    assert marked.json() == plain.json()
    assert post(client, PREDICT, BOM_UTF8 + b'{"inputs": [{"text": "good"}]}').status_code == 200


def test_malformed_json_is_a_400(client: TestClient) -> None:
    assert fields(refused(post(client, PREDICT, '{"inputs": ['), 400)) == ["(body)"]


@pytest.mark.parametrize("body", ["[]", "3", "{}", '{"inputs": {}}', '{"inputs": []}', '{"inputs": [{}], "more": 1}'])
def test_a_wrong_envelope_is_a_422(client: TestClient, body: str) -> None:
    refused(post(client, PREDICT, body), 422)


def test_too_many_records_are_refused(client: TestClient) -> None:
    problem = refused(client.post(PREDICT, json={"inputs": [{"text": "good"}] * 17}), 422)
    assert problem["errors"] == [{"field": "inputs", "message": "must have at most 16 items"}]


def test_the_errors_of_a_very_wrong_request_are_bounded(client: TestClient) -> None:
    many = {f"key{i}": 1 for i in range(3000)}
    problem = refused(client.post(PREDICT, json={"inputs": [many]}), 422)
    assert len(problem["errors"]) == 100


def test_an_oversized_body_is_a_413(api, client: TestClient) -> None:
    problem = refused(client.post(PREDICT, json={"inputs": [{"text": "x" * 70_000}]}), 413)
    assert "65536 bytes" in problem["detail"]
    assert api.metrics("Errors")[0]["Kind"] == "too_large"


def test_an_oversized_body_without_a_length_is_a_413(client: TestClient) -> None:
    chunks = (b"x" * 10_000 for _ in range(20))
    refused(client.post(PREDICT, content=chunks, headers={"content-type": "application/json"}), 413)


def test_an_unknown_model_is_a_404(api, client: TestClient) -> None:
    problem = refused(client.post("/v1/models/nope/predict", json={"inputs": [{"text": "x"}]}), 404)
    assert "tiny-sentiment" in problem["detail"]
    assert api.metrics("Errors")[0] | {"Model": "unknown", "Kind": "not_found"} == api.metrics("Errors")[0]


@pytest.mark.parametrize("version", ["9", "0", "01", "-1", "x", "1.0", "9" * 30])
def test_an_unknown_version_is_a_404(client: TestClient, version: str) -> None:
    path = f"/v1/models/tiny-sentiment/versions/{version}/predict"
    refused(client.post(path, json={"inputs": [{"text": "x"}]}), 404)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_other_media_types_are_a_415(client: TestClient, content_type: str) -> None:
    answer = client.post(PREDICT, content='{"inputs": [{"text": "x"}]}', headers={"content-type": content_type})
    refused(answer, 415)


def test_json_may_name_its_charset_or_nothing(client: TestClient) -> None:
    body = '{"inputs": [{"text": "good"}]}'
    for headers in ({"content-type": "application/json; charset=utf-8"}, {}):
        assert client.post(PREDICT, content=body, headers=headers).status_code == 200


def test_unknown_paths_and_methods_are_problems(client: TestClient) -> None:
    refused(client.get("/nope"), 404)
    answer = client.get(PREDICT)
    refused(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_the_models_are_described(client: TestClient) -> None:
    models = client.get("/v1/models").json()["models"]
    assert [model["name"] for model in models] == ["tiny-sentiment", "tiny-cached", "tiny-tabular", "tiny-price"]
    model = client.get("/v1/models/tiny-sentiment").json()
    assert model == models[0]
    nothing = {"stable": 1, "strategy": None, "candidates": [], "id": None, "phase": None}
    assert model["release"] == nothing
    assert [version["version"] for version in model["versions"]] == [1, 2]
    assert model["versions"][0]["quality"] == [{"metric": "accuracy", "value": 1.0, "data": "made up"}]
    assert model["versions"][0]["record_schema"]["required"] == ["text"]
    refused(client.get("/v1/models/nope"), 404)


def test_a_model_that_is_served_elsewhere_is_listed_without_its_schema(api) -> None:
    heavy = "models:\n  tiny-large: {tier: heavy, versions: [1, 2], stable: 2}\n"
    api.config = parse_config(CONFIG.replace("models:\n", heavy))
    with api.client() as client:
        listed = client.get("/v1/models").json()["models"]
        assert [model["tier"] for model in listed] == ["heavy", *["light"] * 4]
        assert listed[0] == client.get("/v1/models/tiny-large").json()
        assert listed[0]["release"]["stable"] == 2
        assert listed[0]["versions"] == [{"version": 1}, {"version": 2}]
        refused(client.post("/v1/models/tiny-large/predict", json={"inputs": [{"text": "good"}]}), 404)
        assert not [path for path in client.get("/openapi.json").json()["paths"] if "tiny-large" in path]


def test_ping(client: TestClient) -> None:
    assert client.get("/ping").json() == {"status": "ready"}


def test_the_page_of_the_api_asks_no_other_host(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "https://" not in page.text
    named = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(named) == 2
    for path in named:
        file = client.get(path)
        assert (file.status_code, len(file.content) > 100_000) == (200, True)
    assert client.get("/docs/other.js").status_code == 404
    assert client.get("/redoc").status_code == 404


def test_the_openapi_document_says_which_refusals_pass(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    predicting = [path for path in paths if path.endswith(("/predict", "/rank", "/infer"))]
    assert len(predicting) > 8
    for path in predicting:
        responses = paths[path]["post"]["responses"]
        assert {status for status, each in responses.items() if "Retry-After" in each.get("headers", {})} == {
            "429",
            "503",
        }


def test_a_model_states_what_a_request_may_have(client: TestClient) -> None:
    limits = {name: client.get(f"/v1/models/{name}").json()["limits"] for name in ("tiny-sentiment", "tiny-price")}
    assert limits == {
        "tiny-sentiment": {"records": 16, "characters": 1000},
        "tiny-price": {"records": 4, "characters": 131_072},
    }


def test_the_openapi_examples_work(api, client: TestClient) -> None:
    api.write_patient("p001", radius=12.0, smooth=0.5)
    document = client.get("/openapi.json").json()
    tried = 0
    for path, item in document["paths"].items():
        if "post" in item and path.startswith(("/v1/models", "/v2/models", "/v1/features")):
            example = item["post"]["requestBody"]["content"]["application/json"]["example"]
            answer = client.post(path, json=example)
            assert answer.status_code == 200, (path, answer.text)
            tried += 1
    assert tried == 28
    example = document["paths"]["/v1/features/patient/{id}"]["put"]["requestBody"]["content"]["application/json"]
    assert client.put("/v1/features/patient/p9", json=example["example"]).status_code == 200


def test_captures_hold_the_whole_record(api, client: TestClient) -> None:
    made = client.post("/v1/models/tiny-cached/predict", json={"inputs": [{"text": "good"}, {"text": "bad"}]}).json()
    captures = [line["capture"] for line in api.lines() if "capture" in line]
    assert [capture["id"] for capture in captures] == [one["id"] for one in made["predictions"]]
    assert [capture["inputs"] for capture in captures] == [{"text": "good"}, {"text": "bad"}]
    assert captures[0]["outputs"]["label"] == "positive"
    assert not [capture for capture in captures if "kept" in capture]
    assert len(api.written) == 1, "one write for each request"


def test_a_request_is_measured(api, client: TestClient) -> None:
    client.post(PREDICT, json={"inputs": [{"text": "good"}, {"text": "bad"}]})
    line, cold = api.lines()
    assert (line["Project"], line["Model"], line["Version"]) == ("demo", "tiny-sentiment", "1")
    assert (line["Requests"], line["Predictions"]) == (1, 2)
    assert 0 < line["InferenceLatency"] <= line["Latency"]
    assert (cold["ColdStarts"], cold["Function"]) == (1, "predict")
    client.post(PREDICT, json={"inputs": [{"text": "good"}]})
    assert len(api.metrics("ColdStarts")) == 1


def post(client: TestClient, path: str, body: str | bytes):
    return client.post(path, content=body, headers={"content-type": "application/json"})


def test_keys_of_a_prediction_are_json(client: TestClient) -> None:
    answer = client.post(PREDICT, json={"inputs": [{"text": "good \u2028 \U0001f600"}]})
    assert json.loads(answer.content)["predictions"][0]["label"] == "positive"


@pytest.mark.parametrize(("sent", "status"), [(b"so \xff\xfe", 400), ("so \ufffd".encode(), 200)])
def test_bytes_that_were_replaced_on_the_way_are_no_text(client: TestClient, sent: bytes, status: int) -> None:
    """As an HTTP API passes a body on: a string, beside the length that the client sent."""
    body = b'{"inputs": [{"text": "' + sent + b'"}]}'
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    answer = client.post(PREDICT, content=body.decode("utf-8", "replace").encode(), headers=headers)
    assert answer.status_code == status, answer.text
    assert ("is not UTF-8" in answer.text) == (status == 400)
