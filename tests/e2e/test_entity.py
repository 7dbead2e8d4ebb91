"""An entity's life through the embedded AWS: it is predicted, labelled, shown and forgotten."""

import gzip
import json
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.embedded import Aws
from typer.testing import CliRunner

from local.environment.state import State
from slipway.cli.commands import app

PATIENT = "e2e-life"
SECONDS = 240.0
FEATURES = f"/v1/features/patient/{PATIENT}"
Entity = Callable[..., dict[str, Any]]


@pytest.fixture
def entity(running: State, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entity:
    """Runs `slipway entity COMMAND patient e2e-life --json` in a folder where the embedded AWS runs."""
    (tmp_path / ".slipway").mkdir()
    (tmp_path / ".slipway" / "local.json").write_text(running.model_dump_json(), "utf-8")
    shutil.copy(checkout / "slipway.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(command: str, *options: str) -> dict[str, Any]:
        result = CliRunner().invoke(app, ["entity", command, "patient", PATIENT, "--json", *options])
        assert result.exit_code == 0, result.output
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    return run


def predicted(api: httpx.Client) -> dict[str, Any]:
    answer = api.post("/v1/models/breast-cancer/predict", json={"inputs": [{"patient": PATIENT}]})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()["predictions"][0]
    return made


def shown_with(entity: Entity, predictions: int) -> dict[str, Any]:
    """What is shown once so many predictions have come through the log."""
    deadline = time.monotonic() + SECONDS
    while len((found := entity("show"))["predictions"]) < predictions:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def captured_files(aws: Aws, bucket: str) -> list[bytes]:
    s3 = aws("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="captures/model=breast-cancer/").get("Contents", [])
    return [gzip.decompress(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()) for each in listed]


def test_an_entity_is_predicted_labelled_shown_and_forgotten(
    api: httpx.Client, aws: Aws, outputs: dict[str, str], entity: Entity
) -> None:
    groups = api.get("/v1/features/patient/p001").json()["groups"]
    moment = datetime.now(UTC).isoformat()
    written = {name: {"event_time": moment, "values": group["values"]} for name, group in groups.items()}
    assert api.put(FEATURES, json={"groups": written}).status_code == 200
    made = [predicted(api) for _ in range(3)]
    label = {"prediction_id": made[0]["id"], "label": made[0]["label"]}
    assert api.post("/v1/feedback", json=label).status_code == 201

    shown = shown_with(entity, 3)

    assert {each["id"] for each in shown["predictions"]} == {each["id"] for each in made}
    times = [each["time"] for each in shown["predictions"]]
    assert times == sorted(times)
    assert [each["id"] for each in shown["predictions"] if each["feedback"]] == [made[0]["id"]]
    for each in shown["predictions"]:
        assert (each["model"], each["version"]) == ("breast-cancer", made[0]["version"])
        assert each["outputs"]["label"] == made[0]["label"]
        assert each["inputs"]["mean_radius"] == groups["tumour-mean"]["values"]["mean_radius"]
    assert {name: group["values"] for name, group in shown["features"].items()} == {
        name: group["values"] for name, group in groups.items()
    }
    assert any(PATIENT.encode() in content for content in captured_files(aws, outputs["CaptureBucket"]))

    erased = entity("forget", "--yes")["erased"]

    assert (erased["captured predictions"], erased["index entries"], erased["feature rows"]) == (3, 3, len(groups))
    assert erased["feedback and labels"] >= 5
    gone = entity("show")
    assert (gone["predictions"], gone["features"]) == ([], {})
    assert api.get(FEATURES).json().get("groups", {}) == {}
    assert not any(PATIENT.encode() in content for content in captured_files(aws, outputs["CaptureBucket"]))
    again = entity("forget", "--yes")
    assert (again["erased"], again["unreadable"]) == ({}, [])
