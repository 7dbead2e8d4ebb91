"""Predictions by HTTP: a tweet, a patient, and everything that a client may get wrong."""

import json
from typing import Any

import httpx
import pytest

TWEETS = "/v1/models/tweet-sentiment/predict"
PATIENTS = "/v1/models/breast-cancer/predict"
PROBLEM = "application/problem+json"


def post(api: httpx.Client, path: str, body: str | bytes, media_type: str = "application/json") -> httpx.Response:
    return api.post(path, content=body, headers={"Content-Type": media_type})


def test_a_tweet_gets_a_sentiment(api: httpx.Client) -> None:
    answer = api.post(TWEETS, json={"inputs": [{"text": "What a good sunny day, I love it!"}]})

    assert answer.status_code == 200
    prediction = answer.json()["predictions"][0]
    assert prediction["label"] == "positive"
    assert prediction["id"].startswith("tweet-sentiment.3.")
    assert prediction["version"] == 3
    assert sum(prediction["scores"].values()) == pytest.approx(1, abs=1e-3)


def test_answers_keep_the_order_of_the_records(api: httpx.Client) -> None:
    texts = ["So good, I love this sunny day!", "This is awful, so bad.", "The meeting is on Monday."] * 42
    together = api.post(TWEETS, json={"inputs": [{"text": text} for text in texts]}).json()["predictions"]

    alone = [api.post(TWEETS, json={"inputs": [{"text": text}]}).json()["predictions"][0] for text in texts[:3]]
    assert [made["label"] for made in together] == [made["label"] for made in alone] * 42
    assert len({made["id"] for made in together}) == len(texts)


def test_a_version_can_be_asked_by_its_number(api: httpx.Client) -> None:
    answer = api.post("/v1/models/tweet-sentiment/versions/2/predict", json={"inputs": [{"text": "Good."}]})

    assert answer.json()["predictions"][0]["version"] == 2


def test_a_patient_is_enough_where_the_store_has_the_features(api: httpx.Client) -> None:
    answer = api.post(PATIENTS, json={"inputs": [{"patient": "p001"}, {"patient": "p002"}]})

    assert answer.status_code == 200
    assert {made["label"] for made in answer.json()["predictions"]} <= {"malignant", "benign"}


def test_a_patient_that_the_store_does_not_know_is_named(api: httpx.Client) -> None:
    answer = api.post(PATIENTS, json={"inputs": [{"patient": "p001"}, {"patient": "nobody"}]})

    assert answer.status_code == 422
    assert all(error["field"].startswith("inputs[1].") for error in answer.json()["errors"])


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/v1/models/tweet-mood/predict", "tweet-mood"),
        ("/v1/models/tweet-sentiment/versions/99/predict", "99"),
        ("/v1/models/breast-cancer/versions/99/predict", "99"),
    ],
)
def test_an_unknown_model_or_version_is_not_found(api: httpx.Client, path: str, named: str) -> None:
    answer = api.post(path, json={"inputs": [{"text": "Good."}]})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM
    assert named in answer.json()["detail"]


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"text": 3}, "inputs[0].text"),
        ({"text": None}, "inputs[0].text"),
        ({"text": ["a"]}, "inputs[0].text"),
        ({}, "inputs[0].text"),
        ({"text": "a", "txet": "b"}, "inputs[0].txet"),
        ({"text": "x" * 20_000}, "inputs[0].text"),
    ],
)
def test_a_wrong_record_is_refused_by_field(api: httpx.Client, record: dict[str, Any], field: str) -> None:
    answer = api.post(TWEETS, json={"inputs": [record]})

    assert answer.status_code in (413, 422)
    assert field in [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", '"12"', "true", "1e999", "-5"])
def test_what_is_no_number_in_range_is_refused_by_field(api: httpx.Client, number: str) -> None:
    answer = post(api, PATIENTS, f'{{"inputs": [{{"patient": "p001", "mean_radius": {number}}}]}}')

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == PROBLEM
    if answer.status_code == 422:
        assert [error["field"] for error in answer.json()["errors"]] == ["inputs[0].mean_radius"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"inputs": []}', b'{"inputs": {}}', b"\xff\xfe", b'{"inputs": [3]}']
)
def test_a_body_that_is_no_request_is_refused(api: httpx.Client, body: bytes) -> None:
    answer = post(api, TWEETS, body)

    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == PROBLEM


def test_too_many_records_are_refused(api: httpx.Client) -> None:
    answer = api.post(TWEETS, json={"inputs": [{"text": "Good."}] * 129})

    assert answer.status_code in (413, 422)
    assert answer.json()["errors"][0]["field"] == "inputs"


def test_a_body_over_the_configured_limit_is_refused(api: httpx.Client) -> None:
    answer = post(api, TWEETS, json.dumps({"inputs": [{"text": "x" * 2_000_000}]}))

    assert answer.status_code == 413
    assert answer.headers["content-type"] == PROBLEM


def test_what_is_deployed_is_listed(api: httpx.Client) -> None:
    models = {model["name"]: model for model in api.get("/v1/models").json()["models"]}

    assert {name: model["tier"] for name, model in models.items()} == {
        "tweet-sentiment": "light",
        "tweet-sentiment-large": "heavy",
        "breast-cancer": "light",
        "flight-delay": "light",
    }
    assert api.get("/v1/models/breast-cancer").json() == models["breast-cancer"]
    assert [version["version"] for version in models["tweet-sentiment"]["versions"]] == [1, 2, 3]
