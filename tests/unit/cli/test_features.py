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


def test_put_reads_each_value_by_the_type_of_its_feature(fake_api, slipway):
    fake_api.answers["PUT /v1/features/user/u1"] = (200, {})
    assert slipway("put", "user", "u1", "account", "age=30", "city=80331") == 0
    assert fake_api.calls[0][2]["groups"]["account"]["values"] == {"age": 30, "city": "80331"}


def test_put_refuses_what_json_cannot_hold(fake_api, slipway, capsys):
    assert slipway("put", "user", "u1", "account", "age=NaN") == 1
    assert "age: must be a finite number, not nan" in capsys.readouterr().err
    assert fake_api.calls == []


def test_a_row_too_large_for_a_call_is_refused_and_the_others_are_sent(fake_api, slipway, capsys):
    Path("slipway.yaml").write_text(CONFIG + "api: {limits: {body_bytes: 2048}}\n")
    rows = [{"user": "u1", "city": "Oslo"}, {"user": "u2", "city": "x" * 3000}, {"user": "u3", "city": "Ulm"}]
    Path("users.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    results = [{"row": 0, "stored": True}, {"row": 1, "stored": True}]
    fake_api.answers[BATCH] = (200, {"stored": 2, "refused": 0, "results": results})
    assert slipway("load", "users.jsonl", "--json") == 1
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["stored"], [(each["row"], each["line"]) for each in outcome["refused"]]) == (2, [(2, 2)])
    assert "but a call may have" in outcome["refused"][0]["reason"]


def test_the_last_times_that_python_has_are_the_apis_to_refuse(fake_api, slipway, capsys):
    Path("users.csv").write_text("user,age,event_time\nu1,30,9999-12-31T23:59:59Z\nu2,31,9999-12-31T23:59:59-14:00\n")
    result = {"row": 0, "stored": False, "reason": "account.event_time: is in the future"}
    fake_api.answers[BATCH] = (200, {"stored": 0, "refused": 1, "results": [result]})
    assert slipway("load", "users.csv", "--json") == 1
    refused = json.loads(capsys.readouterr().out)["refused"]
    assert [(each["row"], each["reason"].partition(": ")[2]) for each in refused] == [
        (1, "is in the future"),
        (2, "9999-12-31T23:59:59-14:00 is a time outside the years 1 to 9999"),
    ]


def test_calls_are_cut_by_bytes(fake_api, slipway, capsys):
    Path("slipway.yaml").write_text(CONFIG + "api: {limits: {body_bytes: 2048}}\n")
    rows = [{"user": f"u{n}", "city": "x" * 800} for n in range(6)]
    Path("users.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    results = [{"row": n, "stored": True} for n in range(2)]
    fake_api.answers[BATCH] = (200, {"stored": 2, "refused": 0, "results": results})
    assert slipway("load", "users.jsonl") == 0
    assert [len(call[2]["rows"]) for call in fake_api.calls] == [2, 2, 2]
    assert all(
        int({name.lower(): value for name, value in call[3].items()}["content-length"]) <= 2048
        for call in fake_api.calls
    )


def test_a_call_that_is_refused_is_cut_down_to_the_rows_at_fault(fake_api, slipway, capsys):
    Path("users.csv").write_text("user,age\nu1,30\nu2,31\nu3,32\n")
    fake_api.answers[BATCH] = (413, {"title": "Too large", "detail": "at most 10 bytes"})
    assert slipway("load", "users.csv", "--json") == 1
    outcome = json.loads(capsys.readouterr().out)
    assert [each["row"] for each in outcome["refused"]] == [1, 2, 3]
    assert "Too large (HTTP 413) at most 10 bytes" in outcome["refused"][0]["reason"]


def test_a_load_that_breaks_off_says_what_was_stored_and_what_is_unknown(fake_api, slipway, capsys):
    Path("users.csv").write_text("user,age\nu1,old\nu2,31\nu3,32\n")
    fake_api.answers[BATCH] = (500, {"title": "Internal error"})
    assert slipway("load", "users.csv", "--json") == 4
    captured = capsys.readouterr()
    outcome = json.loads(captured.out)
    assert (outcome["stored"], outcome["unknown_from_row"], outcome["refused"][0]["row"]) == (0, 2, 1)
    assert "Internal error" in captured.err
