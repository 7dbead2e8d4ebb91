import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.cli import main
from slipway.cli.api import Api
from slipway.cli.feature_upload import ApiUpload
from slipway.cli.local.playing import Pace, Player
from slipway.cli.local.recording import Hour, Recorded
from slipway.cli.predict_input import Described, Placed
from slipway.config import Config
from slipway.features.definitions import FeatureDefinitions
from slipway.features.store import FeatureKey, FeatureWrite

CONFIG = """
models: {delay: {versions: [1], stable: 1}}
features:
  weather: {entity: airport, features: {wind: {type: float}}}
"""
REPLAY = """
model: delay
records: flights.csv
label: label
entities: {airport: origin}
features: [weather.csv]
"""
FLIGHTS = """time,origin,distance,label
2013-01-01T11:20:00Z,JFK,100,late
2013-01-01T10:05:00Z,EWR,200,on time
2013-01-02T10:05:00Z,EWR,300,late
"""
WEATHER = """event_time,airport,wind
2013-01-01T10:00:00Z,EWR,3.5
2013-01-01T11:00:00Z,JFK,4.5
"""
INPUTS = [
    {"name": "origin", "type": "string"},
    {"name": "distance", "type": "float"},
    {"name": "wind", "type": "float", "group": "weather", "nullable": True},
]
SCHEMA = {"properties": {name: {} for name in ("origin", "distance", "wind", "airport")}}
VERSION = {"version": 1, "inputs": INPUTS, "record_schema": SCHEMA}
DESCRIBED = {"name": "delay", "release": {"stable": 1}, "versions": [VERSION]}
PREDICT = "POST /v1/models/delay/predict"
NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def slipway(monkeypatch, tmp_path: Path):
    (tmp_path / "slipway.yaml").write_text(CONFIG)
    folder = tmp_path / "year"
    folder.mkdir()
    for name, text in {"replay.yaml": REPLAY, "flights.csv": FLIGHTS, "weather.csv": WEATHER}.items():
        (folder / name).write_text(text)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["slipway", "local", "replay", "year", "--speed", "1e9", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return run


@pytest.fixture
def api(fake_api):
    prediction = {"id": "delay.1.x", "version": 1, "label": "late", "score": 0.7}
    stored = [{"row": 0, "stored": True}]
    fake_api.answers = {
        "GET /v1/models/delay": (200, DESCRIBED),
        "POST /v1/features/batch-write": (200, {"stored": 1, "refused": 0, "results": stored}),
        PREDICT: (200, {"predictions": [prediction]}),
        "POST /v1/feedback": (201, {}),
    }
    return fake_api


def test_hours_are_sent_in_order_with_features_first_and_labels_later(api, slipway, capsys):
    assert slipway("--labels-after", "1", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"model": "delay", "feature_rows": 2, "predictions": 3, "labels": 3, "right": 2}
    sent = [(path.rsplit("/", 1)[1], body) for method, path, body, _ in api.calls if method == "POST"]
    order = ["batch-write", "predict", "feedback", "batch-write", "predict", "feedback", "predict", "feedback"]
    assert [name for name, _ in sent] == order
    records = [body["inputs"][0] for name, body in sent if name == "predict"]
    assert records[:2] == [
        {"origin": "EWR", "distance": 200.0, "airport": "EWR"},
        {"origin": "JFK", "distance": 100.0, "airport": "JFK"},
    ]
    labels = [body["label"] for name, body in sent if name == "feedback"]
    assert labels == ["on time", "late", "late"]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_drawn_labels_say_with_what_probability(api, slipway, share):
    assert slipway("--label-share", str(share), "--json") == 0
    labels = [body for _, path, body, _ in api.calls if path == "/v1/feedback"]
    assert [body["probability"] for body in labels] == [share] * int(3 * share)


def test_feature_rows_are_written_as_of_now(api, slipway):
    before = datetime.now(UTC)
    assert slipway() == 0
    rows = [row for _, path, body, _ in api.calls if path.endswith("batch-write") for row in body["rows"]]
    assert [row["values"] for row in rows] == [{"wind": 3.5}, {"wind": 4.5}]
    assert all(before <= datetime.fromisoformat(row["event_time"]) <= datetime.now(UTC) for row in rows)


def test_a_span_of_days_can_be_chosen(api, slipway, capsys):
    assert slipway("--from", "2013-01-02") == 0
    assert "2013-01-02  1 prediction, 100.0 % right" in capsys.readouterr().out
    assert slipway("--until", "2012-01-01") == 1
    assert "has no record and no feature row in this time" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ("replay.yaml", "model: delay", "replay.yaml is not valid:\n  records: "),
        ("replay.yaml", "model: [", "replay.yaml: is not YAML"),
        (
            "replay.yaml",
            REPLAY.replace("origin", "gate"),
            "flights.csv record 1 (line 2), gate: is the id of the airport",
        ),
        ("flights.csv", FLIGHTS.replace("label", "answer"), "flights.csv, label: is named in replay.yaml"),
        ("flights.csv", FLIGHTS.replace("2013-01-01T10:05:00Z", "noon"), "record 2 (line 3), time: 'noon' is neither"),
        (
            "flights.csv",
            FLIGHTS.replace("distance", "distanze"),
            "flights.csv, distanze: is no input of delay 1 (did you mean 'distance'?)",
        ),
        ("weather.csv", WEATHER.replace("3.5", "windy"), "weather.csv record 1 (line 2), wind: must be of type float"),
        ("weather.csv", "airport,wind\nEWR,1\n", "weather.csv record 1 (line 2): has no event_time"),
    ],
)
def test_a_wrong_file_is_named_before_anything_is_sent(api, slipway, capsys, wrong):
    file, text, said = wrong
    Path("year", file).write_text(text)
    assert slipway() == (3 if said.startswith("replay.yaml") else 1)
    assert said in capsys.readouterr().err
    assert not [path for method, path, *_ in api.calls if method == "POST"]


def test_without_a_folder_it_says_what_is_missing(slipway, capsys, tmp_path: Path):
    (tmp_path / "year" / "replay.yaml").unlink()
    assert slipway() == 3
    assert "replay.yaml: No such file or directory" in capsys.readouterr().err


def test_the_pace_is_that_of_the_recording_divided_by_the_speed():
    slept: list[float] = []
    wait = Pace(speed=3600, monotonic=lambda: sum(slept), sleep=slept.append).waits(NOON)
    for hours in (0, 2, 2, 5):
        wait(NOON + timedelta(hours=hours))
    assert slept == [2.0, 3.0]


def test_a_row_of_an_hour_is_followed_by_its_newer_one(api):
    definitions = FeatureDefinitions(Config.model_validate({
        "models": {"delay": {"versions": [1], "stable": 1}},
        "features": {"weather": {"entity": "airport", "features": {"wind": {"type": "float"}}}},
    }).features)  # fmt: skip
    key = FeatureKey("airport", "EWR", "weather")
    writes = [FeatureWrite(key, {"wind": wind}, NOON + timedelta(minutes=at)) for wind, at in ((2.0, 30), (1.0, 5))]
    version = Described.of("delay", DESCRIBED, None)
    with Api(api.url) as client:
        player = Player(client, "delay", version, ApiUpload(client, definitions, 10_000), timedelta(0))
        hour = Hour(NOON, writes, [Recorded(Placed({"origin": "EWR", "distance": 1.0}, "record 1"))])
        [(_, played)] = player.play([hour], Pace(1e9))
    assert (played.writes, played.predictions, played.labelled) == (2, 1, 0)
    [rows] = [body["rows"] for _, path, body, _ in api.calls if path.endswith("batch-write")]
    assert [row["values"] for row in rows] == [{"wind": 2.0}]
