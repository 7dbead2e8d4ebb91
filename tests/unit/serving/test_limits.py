"""What one request may ask of a model."""

import pytest
from starlette.testclient import TestClient
from support.serving import PREDICT, fields, refused

TEXT = "good" * 25


def test_text_up_to_the_limit_is_predicted(client: TestClient) -> None:
    assert client.post(PREDICT, json={"inputs": [{"text": TEXT}] * 10}).status_code == 200


@pytest.mark.parametrize("path", [PREDICT, "/v1/models/tiny-sentiment/versions/2/predict"])
def test_more_text_in_all_is_refused_with_the_limit(client: TestClient, path: str) -> None:
    inputs = [{"text": TEXT}] * 10 + [{"text": "x"}]
    problem = refused(client.post(path, json={"inputs": inputs}), 413)
    assert fields(problem) == ["inputs"]
    assert "at most 1000 characters of text in all, and have 1001" in problem["detail"]


def test_tensors_have_the_same_limit(client: TestClient) -> None:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [11], "data": [TEXT] * 11}
    answer = client.post("/v2/models/tiny-sentiment/infer", json={"inputs": [tensor]})
    assert answer.status_code == 413
    assert "1000 characters" in answer.json()["error"]


def test_items_to_rank_have_the_same_limit(client: TestClient) -> None:
    items = [{"text": TEXT}] * 11
    answer = client.post("/v1/models/tiny-sentiment/rank", json={"items": items, "by": "positive"})
    assert answer.status_code in {413, 422}
    assert "1000 characters" in answer.json()["detail"]


def test_a_model_may_allow_fewer_records_than_the_api(client: TestClient) -> None:
    path, house = "/v1/models/tiny-price/predict", {"rooms": 1.0, "area": 2.0}
    assert client.post(path, json={"inputs": [house] * 4}).status_code == 200
    problem = refused(client.post(path, json={"inputs": [house] * 5}), 422)
    assert "at most 4 items" in problem["detail"]
