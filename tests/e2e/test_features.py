"""The feature store by HTTP: what is written is what a prediction uses."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

PATIENT = "/v1/features/patient"


def copy_of(api: httpx.Client, patient: str, event_time: str) -> dict[str, Any]:
    groups = api.get(f"{PATIENT}/{patient}").json()["groups"]
    return {name: {"event_time": event_time, "values": group["values"]} for name, group in groups.items()}


def label_of(api: httpx.Client, patient: str) -> str:
    answer = api.post("/v1/models/breast-cancer/predict", json={"inputs": [{"patient": patient}]})
    assert answer.status_code == 200
    label: str = answer.json()["predictions"][0]["label"]
    return label


def test_features_that_are_put_are_got_and_predicted_with(api: httpx.Client) -> None:
    groups = copy_of(api, "p001", "2026-02-01T12:00:00Z")

    put = api.put(f"{PATIENT}/e2e-copy", json={"groups": groups})

    assert put.status_code == 200
    assert set(put.json()["stored"]) == set(groups)
    got = api.get(f"{PATIENT}/e2e-copy").json()
    assert {name: group["values"] for name, group in got["groups"].items()} == {
        name: group["values"] for name, group in groups.items()
    }
    assert label_of(api, "e2e-copy") == label_of(api, "p001")


def test_a_late_event_is_refused_and_changes_nothing(api: httpx.Client) -> None:
    newer = copy_of(api, "p002", "2026-03-01T00:00:00Z")
    older = copy_of(api, "p003", "2026-02-01T00:00:00Z")
    assert api.put(f"{PATIENT}/e2e-late", json={"groups": newer}).status_code == 200

    late = api.put(f"{PATIENT}/e2e-late", json={"groups": older})

    assert late.status_code == 409
    assert copy_of(api, "e2e-late", "2026-03-01T00:00:00Z") == newer


@pytest.mark.parametrize("patient", ["müller", "a b", "#7", "50%", "a+b", "a;b=c"])
def test_an_id_is_any_text(api: httpx.Client, patient: str) -> None:
    groups = copy_of(api, "p001", "2026-02-01T12:00:00Z")

    answer = api.put(f"{PATIENT}/{quote(patient)}", json={"groups": groups})

    assert answer.status_code == 200
    assert answer.json()["id"] == patient
    assert label_of(api, patient) == label_of(api, "p001")


@pytest.mark.parametrize("path", [f"{PATIENT}/nobody", "/v1/features/planet/mars"])
def test_what_is_not_there_is_not_found(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 404


def test_a_value_of_the_wrong_type_is_refused_by_name(api: httpx.Client) -> None:
    groups = {"tumour-mean": {"event_time": "2026-02-01T12:00:00Z", "values": {"mean_radius": "wide"}}}

    answer = api.put(f"{PATIENT}/e2e-wrong", json={"groups": groups})

    assert answer.status_code == 422
    assert "mean_radius" in answer.json()["errors"][0]["field"]
    assert api.get(f"{PATIENT}/e2e-wrong").status_code == 404


def test_a_batch_says_row_by_row_what_was_stored(api: httpx.Client) -> None:
    row = {"entity": "patient", "event_time": "2026-02-01T12:00:00Z", "values": {"mean_radius": 12.5}}
    rows = [
        {**row, "id": "e2e-batch", "group": "tumour-mean"},
        {**row, "id": "e2e-batch", "group": "tumour-shape"},
        {**row, "id": "e2e-batch-2", "group": "tumour-mean", "values": {"mean_radius": True}},
    ]

    answer = api.post("/v1/features/batch-write", json={"rows": rows})

    assert answer.status_code == 200
    assert [result["stored"] for result in answer.json()["results"]] == [True, False, False]
    assert "tumour-shape" in answer.json()["results"][1]["reason"]
    assert "mean_radius" in answer.json()["results"][2]["reason"]
