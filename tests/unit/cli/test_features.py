import json
import sys
from pathlib import Path

import pytest

from slipway.cli import main

BATCH = "POST /v1/features/batch-write"
CONFIG = """
models: {m: {versions: [1], stable: 1}}
features:
  account: {entity: user, features: {age: {type: integer}, city: {type: string}}}
"""


@pytest.fixture
def slipway(monkeypatch, tmp_path: Path):
    (tmp_path / "slipway.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["slipway", "features", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return run


def test_get_shows_each_feature_with_its_time(fake_api, slipway, capsys):
    row = {"event_time": "2026-01-01T00:00:00Z", "values": {"age": 30}}
    fake_api.answers["GET /v1/features/user/u%2F1"] = (200, {"entity": "user", "id": "u/1", "groups": {"account": row}})
    assert slipway("get", "user", "u/1") == 0
    assert "age" in capsys.readouterr().out
    assert slipway("get", "user", "u/1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["groups"]["account"] == row


def test_put_sends_values_with_their_types(fake_api, slipway):
    fake_api.answers["PUT /v1/features/user/u1"] = (200, {})
    assert slipway("put", "user", "u1", "account", "age=30", "city=Oslo", "--event-time", "2026-01-02T03:04:05") == 0
    expected = {"event_time": "2026-01-02T03:04:05+00:00", "values": {"age": 30, "city": "Oslo"}}
    assert fake_api.calls[0][2] == {"groups": {"account": expected}}


def test_load_says_which_rows_were_refused_and_why(fake_api, slipway, capsys):
    Path("users.csv").write_text("user,age\nu1,30\nu2,old\nu3,31\n")
    results = [{"row": 0, "stored": True}, {"row": 1, "stored": False, "reason": "a newer event is stored"}]
    fake_api.answers[BATCH] = (200, {"stored": 1, "refused": 1, "results": results})
    assert slipway("load", "users.csv", "--json") == 1
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["stored"] == 1
    assert [(item["row"], item["reason"][:8]) for item in outcome["refused"]] == [(2, "age: mus"), (3, "a newer ")]
    assert [row["id"] for row in fake_api.calls[0][2]["rows"]] == ["u1", "u3"]


def test_load_sends_a_large_file_in_batches(fake_api, slipway, capsys):
    Path("users.jsonl").write_text("".join(json.dumps({"user": f"u{n}", "age": n}) + "\n" for n in range(400)))
    results = [{"row": n, "stored": True} for n in range(100)]
    fake_api.answers[BATCH] = (200, {"stored": 100, "refused": 0, "results": results})
    assert slipway("load", "users.jsonl") == 0
    assert len(fake_api.calls) == 4
    assert "400 writes stored, 0 refused" in capsys.readouterr().out


def test_a_file_that_is_not_there(fake_api, slipway, capsys):
    assert slipway("load", "nothing.csv") == 1
    assert "nothing.csv" in capsys.readouterr().err
