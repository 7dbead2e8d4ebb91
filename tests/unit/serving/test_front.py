"""When the app behind the front is made."""

import pytest
from starlette.testclient import TestClient

from slipway.serving.http.front import Front

pytestmark = pytest.mark.parametrize("api", [True], indirect=True, ids=["front"])


def test_a_prediction_needs_no_app_and_the_rest_does(api) -> None:
    front: Front = api.app()
    client = TestClient(front)
    client.post("/v1/models/tiny-sentiment/predict", json={"inputs": [{"text": "good"}]}).raise_for_status()
    assert "_app" not in vars(front)
    assert client.get("/v1/models").status_code == 200
    assert "_app" in vars(front)


def test_it_can_be_made_before_a_snapshot(api) -> None:
    front: Front = api.app()
    front.prepare()
    assert "_app" in vars(front)
