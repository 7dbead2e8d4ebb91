"""The feature store and feedback over HTTP."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from slipway.errors import UnavailableError
from slipway.serving.apis.feedback import FeedbackBody

NOW = datetime.now(UTC)
EARLIER = (NOW - timedelta(hours=1)).isoformat()
UNSIGNED = "tiny-sentiment.1." + "0123456789ab" * 2
FORGED = f"{UNSIGNED}-{'0123456789' * 2}"


@pytest.fixture
def made(api) -> str:
    """The id of a prediction."""
    id_: str = api.sign(UNSIGNED)
    return id_


def body(**values) -> dict:
    return {"groups": {"tumour": {"event_time": NOW.isoformat(), "values": values}}}


@pytest.mark.parametrize("id", ["p1", "a b", "x/y", "ü#1", "100%", "a?b=c", "batch-write", "x" * 256])
def test_what_is_put_can_be_got(client: TestClient, id: str) -> None:
    path = f"/v1/features/patient/{quote(id, safe='')}"
    answer = client.put(path, json=body(radius=12, smooth=0.5))
    assert answer.json() == {"entity": "patient", "id": id, "stored": ["tumour"]}
    groups = client.get(path).json()["groups"]
    assert groups["tumour"]["values"] == {"radius": 12.0, "smooth": 0.5}
    assert datetime.fromisoformat(groups["tumour"]["event_time"]) <= NOW


def test_ids_do_not_mix(client: TestClient) -> None:
    client.put("/v1/features/patient/p%231", json=body(radius=1))
    assert client.get("/v1/features/patient/p").status_code == 404
    assert client.get("/v1/features/patient/p%231").status_code == 200


@pytest.mark.parametrize(
    ("entity", "id", "status"), [("patient", "nobody", 404), ("doctor", "p1", 404), ("patient", "x" * 257, 422)]
)
def test_what_is_not_there_is_a_404(client: TestClient, entity: str, id: str, status: int) -> None:
    assert client.get(f"/v1/features/{entity}/{id}").status_code == status


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (body(radius="wide"), "tumour.radius"),
        (body(radius=True), "tumour.radius"),
        (body(colour=1.0), "tumour.colour"),
        (body(), "groups.tumour.values"),
        ({"groups": {}}, "groups"),
        ({"groups": {"nope": {"event_time": EARLIER, "values": {"a": 1}}}}, "groups.nope"),
        ({"groups": {"tumour": {"event_time": "yesterday", "values": {"radius": 1}}}}, "groups.tumour.event_time"),
        ({"groups": {"tumour": {"event_time": "2026-01-01T00:00:00", "values": {"radius": 1}}}}, "groups.tumour"),
        ({"groups": {"tumour": {"event_time": "2999-01-01T00:00:00Z", "values": {"radius": 1}}}}, "tumour.event_time"),
    ],
)
def test_a_wrong_feature_is_named_and_nothing_is_stored(client: TestClient, sent: dict, named: str) -> None:
    if sent["groups"]:
        sent["groups"]["notes"] = {"event_time": NOW.isoformat(), "values": {"text": "fine"}}
    answer = client.put("/v1/features/patient/p1", json=sent)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith(named)
    assert client.get("/v1/features/patient/p1").status_code == 404


def test_a_late_event_is_a_conflict(client: TestClient) -> None:
    client.put("/v1/features/patient/p1", json=body(radius=1))
    late = {"groups": {"tumour": {"event_time": EARLIER, "values": {"radius": 2}}}}
    answer = client.put("/v1/features/patient/p1", json=late)
    assert answer.status_code == 409
    assert "older" in answer.json()["detail"]
    assert client.get("/v1/features/patient/p1").json()["groups"]["tumour"]["values"]["radius"] == 1.0


def test_a_batch_answers_row_by_row(api, client: TestClient) -> None:
    def row(id: str, group: str = "tumour", **values) -> dict:
        return {"entity": "patient", "id": id, "group": group, "event_time": EARLIER, "values": values}

    rows = [row("a", radius=1), row("b", radius="x"), row("c", "nope", radius=1), row("", radius=1), row("d", smooth=2)]
    answer = client.post("/v1/features/batch-write", json={"rows": rows}).json()
    assert (answer["stored"], answer["refused"]) == (2, 3)
    assert [result["stored"] for result in answer["results"]] == [True, False, False, False, True]
    assert "tumour.radius" in answer["results"][1]["reason"]
    assert "nope" in answer["results"][2]["reason"]
    line = api.metrics("FeatureWrites")[0]
    assert (line["FeatureWrites"], line["FeatureRefusals"], line["Group"]) == (2, 2, "tumour")


def test_a_batch_of_the_wrong_form_stores_nothing(client: TestClient) -> None:
    good = {"entity": "patient", "id": "a", "group": "tumour", "event_time": EARLIER, "values": {"radius": 1}}
    answer = client.post("/v1/features/batch-write", json={"rows": [good, {**good, "id": 5}]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "rows[1].id"
    assert client.get("/v1/features/patient/a").status_code == 404


class DownStore:
    def read(self, keys):
        raise UnavailableError("feature store", "down")

    def write(self, writes):
        raise UnavailableError("feature store", "down")


def test_a_store_that_is_down_is_a_503(api) -> None:
    with api.client(store=DownStore()) as client:
        assert client.get("/v1/features/patient/p1").status_code == 503
        assert client.put("/v1/features/patient/p1", json=body(radius=1)).status_code == 503
    assert api.metrics("Faults")[0]["Faults"] == 1


def test_feedback_is_stored_once(api, client: TestClient, made: str) -> None:
    said = {"prediction_id": made, "label": "positive"}
    first = client.post("/v1/feedback", json=said)
    assert (first.status_code, first.json()) == (201, {"prediction_id": made, "status": "stored"})
    again = client.post("/v1/feedback", json=said)
    assert (again.status_code, again.json()["status"]) == (200, "already stored")
    other = client.post("/v1/feedback", json={**said, "label": "negative"})
    assert other.status_code == 409
    counted = api.metrics("Feedback")
    assert [(line["Feedback"], line["Model"], line["Version"]) for line in counted] == [(1, "tiny-sentiment", "1")]


def test_a_reward_is_a_metric_of_its_version(api, client: TestClient, made: str) -> None:
    client.post("/v1/feedback", json={"prediction_id": made, "reward": 0.25})
    assert [(line["Reward"], line["Model"], line["Version"]) for line in api.metrics("Reward")] == [
        ([0.25], "tiny-sentiment", "1")
    ]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"prediction_id": FORGED}, 422),
        ({"prediction_id": FORGED, "label": "a", "reward": 1}, 422),
        ({"prediction_id": FORGED, "label": None, "value": None, "reward": None}, 422),
        ({"prediction_id": FORGED, "reward": "1"}, 422),
        ({"prediction_id": FORGED, "reward": 1, "probability": 0.5}, 422),
        ({"prediction_id": FORGED, "label": "a", "probability": 0}, 422),
        ({"prediction_id": FORGED, "label": "a", "probability": 1.5}, 422),
        ({"prediction_id": "nonsense", "reward": 1}, 422),
        ({"prediction_id": FORGED + "\n", "reward": 1}, 422),
        ({"prediction_id": FORGED.upper(), "reward": 1}, 422),
        ({"prediction_id": FORGED, "reward": 1, "time": "2026-01-01T00:00:00"}, 422),
        ({"prediction_id": UNSIGNED, "reward": 1}, 422),
        ({"prediction_id": FORGED.replace("sentiment", "other"), "reward": 1}, 404),
        ({"prediction_id": FORGED.replace(".1.", ".9."), "reward": 1}, 404),
    ],
)
def test_feedback_is_checked(client: TestClient, said: dict, status: int) -> None:
    answer = client.post("/v1/feedback", json=said)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_label_that_the_version_lacks_is_refused_with_those_there_are(api, client: TestClient, made: str) -> None:
    answer = client.post("/v1/feedback", json={"prediction_id": made, "label": "positve"})
    assert answer.status_code == 422
    message = "must be a label of tiny-sentiment 1: negative, neutral, positive"
    assert answer.json()["errors"] == [{"field": "label", "message": message}]
    assert api.metrics("Feedback") == []
    # Nobody knows the labels of a version that comes from the registry.
    other = api.sign(UNSIGNED.replace("tiny-sentiment", "tiny-cached"))
    assert client.post("/v1/feedback", json={"prediction_id": other, "label": "positve"}).status_code == 201


def test_nulls_of_feedback_are_as_if_absent(client: TestClient, made: str) -> None:
    said = {"prediction_id": made, "label": "positive", "value": None, "reward": None, "time": None}
    assert client.post("/v1/feedback", json=said).status_code == 201


@pytest.mark.parametrize(
    ("said", "is_valid"),
    [
        ({"label": "positive"}, True),
        ({"label": "positive", "value": None, "reward": None}, True),
        ({"label": None, "value": None, "reward": None}, False),
        ({"label": "positive", "reward": 1}, False),
        ({"label": "positive", "probability": 0.5}, True),
        ({"reward": 1, "probability": 0.5}, False),
        ({}, False),
    ],
)
def test_the_schema_of_feedback_says_that_one_thing_is_needed(said: dict, is_valid: bool) -> None:
    validator = Draft202012Validator(FeedbackBody.model_json_schema())
    assert validator.is_valid({"prediction_id": FORGED, **said}) is is_valid


def test_a_reward_of_nan_is_refused(client: TestClient) -> None:
    content = f'{{"prediction_id": "{FORGED}", "reward": NaN}}'
    answer = client.post("/v1/feedback", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_feedback_for_a_prediction_that_was_answered_is_stored(client: TestClient) -> None:
    answer = client.post("/v1/models/tiny-sentiment/predict", json={"inputs": [{"text": "good"}, {"text": "bad"}]})
    for prediction in answer.json()["predictions"]:
        said = {"prediction_id": prediction["id"], "label": "positive"}
        assert client.post("/v1/feedback", json=said).status_code == 201


@pytest.mark.parametrize(
    "alter",
    [
        lambda _: FORGED,
        lambda made: made.replace(".1.", ".2.", 1),
        lambda made: made.replace("tiny-sentiment.1", "tiny-cached.1", 1),
        lambda made: made.replace(".0", ".1", 1),
        lambda made: f"{made}.1",
        lambda made: f"{made}.0.01234567",
    ],
)
def test_feedback_for_an_id_that_was_made_up_is_refused(api, client: TestClient, made: str, alter) -> None:
    altered = alter(made)
    assert altered != made
    answer = client.post("/v1/feedback", json={"prediction_id": altered, "reward": 1})
    (problem,) = answer.json()["errors"]
    assert (answer.status_code, problem["field"]) == (422, "prediction_id")
    assert "not an id that this API issued" in problem["message"]
    assert not api.metrics("Feedback")
