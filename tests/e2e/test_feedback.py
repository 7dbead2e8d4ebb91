"""Feedback by HTTP: stored once for each prediction."""

import httpx
import pytest


@pytest.fixture
def prediction_id(api: httpx.Client) -> str:
    """The id of a new prediction."""
    answer = api.post("/v1/models/tweet-sentiment/predict", json={"inputs": [{"text": "Good morning."}]})
    made: str = answer.json()["predictions"][0]["id"]
    return made


def test_the_same_feedback_twice_is_stored_once(api: httpx.Client, prediction_id: str) -> None:
    body = {"prediction_id": prediction_id, "label": "positive"}

    first, second = (api.post("/v1/feedback", json=body) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 200)
    assert (first.json()["status"], second.json()["status"]) == ("stored", "already stored")


def test_other_feedback_for_the_same_prediction_is_a_conflict(api: httpx.Client, prediction_id: str) -> None:
    assert api.post("/v1/feedback", json={"prediction_id": prediction_id, "label": "positive"}).status_code == 201

    assert api.post("/v1/feedback", json={"prediction_id": prediction_id, "label": "negative"}).status_code == 409


MADE_UP = f"{'a' * 24}-{'b' * 20}"


@pytest.mark.parametrize(
    ("prediction_id", "status"),
    [
        (f"tweet-mood.1.{MADE_UP}", 404),
        (f"tweet-sentiment.99.{MADE_UP}", 404),
        (f"tweet-sentiment.1.{MADE_UP}", 422),
        ("nonsense", 422),
        (7, 422),
    ],
)
def test_feedback_for_no_prediction_is_refused(api: httpx.Client, prediction_id: object, status: int) -> None:
    answer = api.post("/v1/feedback", json={"prediction_id": prediction_id, "label": "positive"})

    assert answer.status_code == status
