"""Triton's statistics: what one process has done since it started."""

from typing import Any

from starlette.testclient import TestClient
from support.serving import PREDICT, Api

from slipway.errors import PredictionError

MODEL = "tiny-sentiment"


def stats(client: TestClient, path: str = f"/v2/models/{MODEL}/versions/1/stats") -> dict[str, Any]:
    """The statistics of the one version at a path."""
    (found,) = listed(client, path)
    return found


def listed(client: TestClient, path: str) -> list[dict[str, Any]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["model_stats"]
    return found


def counts(found: dict[str, Any]) -> dict[str, int]:
    """How often each part of a request was done; each that was took some time, and the others took none."""
    for part in found["inference_stats"].values():
        assert (part["ns"] > 0) == (part["count"] > 0)
    return {name: part["count"] for name, part in found["inference_stats"].items() if part["count"]}


def ask(client: TestClient, *texts: str, path: str = PREDICT) -> None:
    assert client.post(path, json={"inputs": [{"text": text} for text in texts]}).status_code == 200


def test_nothing_has_been_done_at_first(client: TestClient) -> None:
    found = stats(client)
    assert (found["name"], found["version"]) == (MODEL, "1")
    assert (found["inference_count"], found["execution_count"], found["last_inference"]) == (0, 0, 0)
    assert (counts(found), found["batch_stats"]) == ({}, [])


def test_requests_records_and_runs_are_counted_over_all_protocols(client: TestClient) -> None:
    ask(client, "good", "bad")
    ask(client, "sunny")
    tensor = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["good", "awful"]}
    assert client.post(f"/v2/models/{MODEL}/infer", json={"inputs": [tensor]}).status_code == 200
    found = stats(client)
    assert (found["inference_count"], found["execution_count"]) == (5, 3)
    assert counts(found) == {"success": 3, "compute_infer": 3}
    assert [(each["batch_size"], each["compute_infer"]["count"]) for each in found["batch_stats"]] == [(1, 1), (2, 2)]
    ran = sum(each["compute_infer"]["ns"] for each in found["batch_stats"])
    assert 0 < ran <= found["inference_stats"]["success"]["ns"]
    assert found["last_inference"] > 1_700_000_000_000


def test_each_version_has_its_own(client: TestClient) -> None:
    ask(client, "good", path=f"/v1/models/{MODEL}/versions/2/predict")
    by_version = {each["version"]: each["inference_count"] for each in listed(client, f"/v2/models/{MODEL}/stats")}
    assert by_version == {"1": 0, "2": 1}
    everything = [(each["name"], each["version"]) for each in listed(client, "/v2/models/stats")]
    assert (MODEL, "2") in everything
    assert ("tiny-price", "1") in everything


def test_a_request_that_was_never_read_is_nobodys(client: TestClient) -> None:
    assert client.post(PREDICT, json={"inputs": [{"text": 1}]}).status_code == 422
    assert counts(stats(client)) == {}


def test_a_failed_request_is_its_versions(api: Api) -> None:
    class Broken:
        manifest = api.models[MODEL, 1].manifest

        def predict(self, records: Any) -> Any:
            raise PredictionError("the graph failed")

    client = api.client(models={**api.models, (MODEL, 1): Broken()})
    assert client.post(PREDICT, json={"inputs": [{"text": "good"}]}).status_code == 500
    found = stats(client)
    assert (counts(found), found["inference_count"]) == ({"fail": 1}, 0)


def test_records_from_the_cache_are_no_inferences(client: TestClient) -> None:
    path = "/v1/models/tiny-cached/predict"
    ask(client, "good", "bad", path=path)
    ask(client, "good", "bad", "sunny", path=path)
    found = stats(client, "/v2/models/tiny-cached/stats")
    assert counts(found) == {"success": 2, "compute_infer": 2, "cache_hit": 2}
    assert (found["inference_count"], found["execution_count"]) == (3, 2)


def test_a_version_that_is_not_there_is_named(client: TestClient) -> None:
    for path in ("/v2/models/none/stats", f"/v2/models/{MODEL}/versions/9/stats", "/v2/models/a/versions/x/stats"):
        assert "error" in client.get(path).json()
        assert client.get(path).status_code == 404


def test_a_model_of_which_no_version_is_loaded_says_why(api: Api) -> None:
    others = {key: model for key, model in api.models.items() if key[0] != "tiny-price"}
    answer = api.client(models=others).get("/v2/models/tiny-price/stats")
    assert (answer.status_code, list(answer.json())) == (404, ["error"])
