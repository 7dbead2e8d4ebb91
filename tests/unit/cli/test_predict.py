import json
import sys
from pathlib import Path

import pytest

from slipway.cli import main

PATH = "POST /v1/models/tweet-sentiment/predict"
PREDICTION = {"id": "tweet-sentiment.1.ab", "version": 1, "label": "positive", "score": 0.9, "cached": False}
ANSWER = {"model": "tweet-sentiment", "predictions": [PREDICTION]}


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["slipway", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_one_record_from_the_command_line(fake_api, monkeypatch, capsys):
    fake_api.answers[PATH] = (200, ANSWER)
    assert run(monkeypatch, "predict", "tweet-sentiment", "text=What a day") == 0
    assert fake_api.calls[0][2] == {"inputs": [{"text": "What a day"}]}
    assert "positive" in capsys.readouterr().out


def test_json_is_the_answer_as_it_came(fake_api, monkeypatch, capsys):
    fake_api.answers[PATH] = (200, ANSWER)
    assert run(monkeypatch, "predict", "tweet-sentiment", "text=x", "--json") == 0
    assert json.loads(capsys.readouterr().out) == ANSWER


def test_a_file_of_records_and_one_version(fake_api, monkeypatch, tmp_path: Path):
    fake_api.answers["POST /v1/models/m/versions/2/predict"] = (200, {"model": "m", "predictions": [PREDICTION] * 2})
    file = tmp_path / "records.jsonl"
    file.write_text('{"a": 1}\n\n{"a": 2.5}\n')
    assert run(monkeypatch, "predict", "m", "--input", str(file), "--version", "2") == 0
    assert fake_api.calls[0][2] == {"inputs": [{"a": 1}, {"a": 2.5}]}


def test_a_line_that_is_not_json_is_named_and_nothing_is_sent(fake_api, monkeypatch, capsys, tmp_path: Path):
    file = tmp_path / "records.jsonl"
    file.write_text('{"a": 1}\noops\n')
    assert run(monkeypatch, "predict", "m", "--input", str(file)) == 1
    assert "line 2" in capsys.readouterr().err
    assert fake_api.calls == []


@pytest.mark.parametrize("arguments", [["predict", "m"], ["predict", "m", "a=1", "--input", "x"]])
def test_either_fields_or_a_file(fake_api, monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments) == 1
    assert "--input" in capsys.readouterr().err


@pytest.mark.parametrize(("pair", "message"), [("text", "FIELD=VALUE"), ("=x", "FIELD=VALUE")])
def test_a_field_without_a_value(fake_api, monkeypatch, capsys, pair, message):
    assert run(monkeypatch, "predict", "m", pair) == 1
    assert message in capsys.readouterr().err


def test_the_problem_document_is_shown_by_field(fake_api, monkeypatch, capsys):
    problem = {
        "title": "Invalid input",
        "status": 422,
        "detail": "inputs[0].text: is missing",
        "errors": [{"field": "inputs[0].text", "message": "is missing"}],
    }
    fake_api.answers[PATH] = (422, problem)
    assert run(monkeypatch, "predict", "tweet-sentiment", "txt=x") == 1
    assert capsys.readouterr().err.count("inputs[0].text: is missing") == 1


@pytest.mark.parametrize(("status", "code"), [(403, 5), (404, 1), (503, 4)])
def test_exit_codes_by_status(fake_api, monkeypatch, capsys, status, code):
    fake_api.answers[PATH] = (status, {"message": "no"})
    assert run(monkeypatch, "predict", "tweet-sentiment", "text=x") == code
    assert f"HTTP {status}" in capsys.readouterr().err


def test_an_api_that_does_not_answer(monkeypatch, capsys):
    assert run(monkeypatch, "predict", "m", "a=1", "--api", "http://127.0.0.1:9") == 4
    assert "http://127.0.0.1:9" in capsys.readouterr().err


def test_a_token_is_sent_as_bearer(fake_api, monkeypatch):
    fake_api.answers[PATH] = (200, ANSWER)
    assert run(monkeypatch, "predict", "tweet-sentiment", "text=x", "--token", "abc") == 0
    assert fake_api.calls[0][3]["Authorization"] == "Bearer abc"
