"""Monitoring through the embedded AWS: December's flights drift from the months that the model learned from.

An hour of traffic takes a minute here: captures of forty minutes are written to the log of `predict`, each minute a day
of December, and from there everything goes its way: subscription, function `capture`, bucket, function `monitor`.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from support.releases.embedded import Inbox
from typer.testing import CliRunner

from local.environment.state import State
from slipway import load
from slipway.cli import app
from slipway.cli.local.recording import Hour, hours_of, read_recording
from slipway.cli.predict_input import Described
from slipway.config import load_local
from slipway.config.deployment.keys import id_keys_parameter
from slipway.features.definitions import FeatureDefinitions
from slipway.models.embedded import Model
from slipway.monitoring.captures.line import capture_line
from slipway.monitoring.feedback.keys import Key, from_text
from slipway.monitoring.feedback.prediction_ids import PredictionId

SECONDS = 480.0
MODEL, VERSION = "flight-delay", 1
DAYS = 40
"""Enough for the test to be sure, each a minute of captures."""

PER_DAY = 40
EVERY = 8
"""One record of so many is drawn for a label."""

DECEMBER = datetime(2013, 12, 1, tzinfo=UTC)
Command = Callable[..., Any]


@pytest.fixture(scope="module")
def model(checkout: Path) -> Model:
    return load(checkout / "models" / MODEL / str(VERSION))


@pytest.fixture(scope="module")
def december(checkout: Path, model: Model) -> list[tuple[dict[str, Any], str]]:
    """Records of December's flights with their weather, and whether they were late."""
    folder = checkout / "examples" / "flights"
    config = load_local(checkout / "slipway.yaml")
    inputs = [field.model_dump(mode="json", exclude_none=True) for field in model.inputs]
    fields = {"properties": {name: {} for name in (*(field.name for field in model.inputs), "airport")}}
    version = {"version": VERSION, "inputs": inputs, "record_schema": fields}
    described = Described.of(MODEL, {"release": {"stable": VERSION}, "versions": [version]}, None)
    span = {"since": DECEMBER, "until": DECEMBER + timedelta(days=31)}
    hours = hours_of(folder, read_recording(folder), described, FeatureDefinitions(config.features), **span)
    return list(with_weather(hours))


def with_weather(hours: Iterator[Hour]) -> Iterator[tuple[dict[str, Any], str]]:
    for hour in hours:
        weather = {write.key.id: dict(write.values) for write in hour.writes}
        for recorded in hour.records:
            record = dict(recorded.placed.record)
            airport = record.pop("airport")
            yield {**record, **weather.get(airport, {})}, recorded.label


@pytest.fixture(scope="module")
def key(aws: Any, checkout: Path, api: httpx.Client) -> Key:
    """The key that the API signs ids with, once it has signed one."""
    record = {"text": "a first tweet"}
    assert api.post("/v1/models/tweet-sentiment/predict", json={"inputs": [record]}).is_success
    project = load_local(checkout / "slipway.yaml").project
    stored = aws("ssm").get_parameter(Name=id_keys_parameter(project), WithDecryption=True)
    return from_text(stored["Parameter"]["Value"]).newest_first[0]


@pytest.fixture(scope="module")
def captured(
    aws: Any, outputs: dict[str, str], model: Model, december: list[tuple[dict[str, Any], str]], key: Key
) -> list[tuple[str, str, str]]:
    """Captures of the last minutes, in the log of `predict`: the id of each, what was predicted, and what was true."""
    start = datetime.now(UTC).replace(second=5, microsecond=0) - timedelta(minutes=DAYS + 5)
    lines, found = [], []
    for number, (record, label) in enumerate(december[: DAYS * PER_DAY]):
        made_at = start + timedelta(minutes=number // PER_DAY, milliseconds=20 * number)
        [answer] = model.predict([record])
        unique = f"{int(made_at.timestamp()):08x}{number:014x}ff"
        unsigned = PredictionId(MODEL, VERSION, unique)
        id_ = str(unsigned._replace(digest=key.digest(unsigned)))
        lines.append(
            capture_line(
                prediction_id=id_,
                model=MODEL,
                version=VERSION,
                time_ms=int(made_at.timestamp() * 1000),
                request_id="december",
                inputs=model._validated([record], 0)[0],
                outputs=answer,
            )
        )
        found.append((id_, answer["label"], label))
    write_to_log(aws, outputs["PredictLogs"], lines)
    return found


def write_to_log(aws: Any, group: str, lines: list[str]) -> None:
    stream, logs = "december", aws("logs")
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    for first in range(0, len(lines), 200):
        events = [{"timestamp": now, "message": line} for line in lines[first : first + 200]]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


@pytest.fixture
def slipway(running: State, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs commands in a folder in which they find the embedded AWS, and gives what `--json` prints."""
    (tmp_path / ".slipway").mkdir()
    (tmp_path / ".slipway" / "local.json").write_text(running.model_dump_json(), "utf-8")
    settings = yaml.safe_load((checkout / "slipway.yaml").read_text("utf-8"))
    (tmp_path / "slipway.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    (tmp_path / "models").symlink_to(checkout / "models")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLIPWAY_ENVIRONMENT", "local")

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == 0, (result.stdout, result.exception)
        return json.loads(result.stdout)

    return run


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something holds, and give it."""
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(1)
    return found


@pytest.fixture(scope="module")
def inbox(aws: Any, outputs: dict[str, str]) -> Inbox:
    """What the topic of alarms sends from now on."""
    return Inbox(aws, outputs["AlarmTopic"])


def monitored(aws: Any, outputs: dict[str, str]) -> dict[str, Any]:
    """Run the monitor once more, beside its schedule."""
    answer = aws("lambda").invoke(FunctionName=outputs["MonitorFunction"], Payload=b"{}")
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


def test_december_drifts_and_people_are_told(
    aws: Any,
    outputs: dict[str, str],
    inbox: Inbox,
    captured: list[tuple[str, str, str]],
    slipway: Command,
) -> None:
    def told() -> list[str]:
        monitored(aws, outputs)
        return [text for text in inbox.messages() if "has drifted" in text]

    [message, *_] = until(told)
    assert f"{MODEL} {VERSION} has drifted" in message
    assert f"slipway monitor drift {MODEL}" in message
    found = slipway("monitor", "drift", MODEL, "--window", "2h")
    assert any(column["drifted"] for column in found["columns"])
    effects = [column["effect"] for column in found["columns"]]
    assert effects == sorted(effects, reverse=True)


def test_accuracy_is_estimated_and_labels_of_drawn_records_correct_it(
    api: httpx.Client, captured: list[tuple[str, str, str]], slipway: Command
) -> None:
    estimated = until(lambda: with_captures(slipway("monitor", "accuracy", MODEL), len(captured) // 2))
    assert 0.5 < estimated["estimated"]["value"] < 1
    drawn = captured[::EVERY]
    for id_, _, true in drawn:
        said = {"prediction_id": id_, "label": true, "probability": 1 / EVERY}
        answer = api.post("/v1/feedback", json=said)
        assert answer.status_code == 201, answer.text
    found = until(lambda: with_labels(slipway("monitor", "accuracy", MODEL), len(drawn)))
    right = sum(predicted == true for _, predicted, true in drawn)
    assert found["labelled"]["value"] == pytest.approx(right / len(drawn), abs=1e-6)
    corrected = found["corrected"]["once"]
    assert corrected["low"] < corrected["value"] < corrected["high"]


def with_captures(found: Any, number: int) -> Any:
    """The document of `slipway monitor accuracy`, once so many captures are in it."""
    return found if found["captures"] >= number and found["estimated"] else None


def with_labels(found: Any, number: int) -> Any:
    """The same, once so many labels of drawn records are in it."""
    return found if found["drawn"] >= number else None
