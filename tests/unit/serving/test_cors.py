"""Pages in browsers: preflight requests and the headers of answers."""

from starlette.testclient import TestClient
from support.serving import PREDICT

from slipway.config import CorsConfig
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.apis import health
from slipway.serving.http.app import AppSettings, create_app

ORIGIN = "https://app.example"
ASKED = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


def page() -> TestClient:
    telemetry = Telemetry("demo", "predict", write=lambda _: None)
    cors = CorsConfig(origins=(ORIGIN,))
    settings = AppSettings("demo", 1024, telemetry, {"readiness": health.Readiness()}, cors=cors)
    return TestClient(create_app(settings, [health.router]))


def test_a_preflight_request_is_answered() -> None:
    answer = page().options("/ping", headers={"origin": ORIGIN, **ASKED})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-max-age"] == "600"
    assert "content-type" in answer.headers["access-control-allow-headers"].lower()


def test_answers_name_the_origin_if_it_may_call() -> None:
    assert page().get("/ping", headers={"origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in page().get("/ping", headers={"origin": "https://other.example"}).headers
    assert page().options("/ping", headers={"origin": "https://other.example", **ASKED}).status_code == 400


def test_it_is_off_by_default(client: TestClient) -> None:
    answer = client.options(PREDICT, headers={"origin": ORIGIN, **ASKED})
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers
