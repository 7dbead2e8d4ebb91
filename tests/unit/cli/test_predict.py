import json
import re
import sys
from pathlib import Path

import pytest

from slipway.cli import main

PATH = "POST /v1/models/tweet-sentiment/predict"
PREDICTION = {"id": "tweet-sentiment.1.ab", "version": 1, "label": "positive", "score": 0.9, "cached": False}
INPUTS = [{"name": "text", "type": "string"}, {"name": "a", "type": "float"}]
VERSIONS = [{"version": 1, "inputs": INPUTS}, {"version": 2, "inputs": INPUTS}]
DESCRIPTION = (200, {"release": {"stable": 1}, "versions": VERSIONS})
ANSWER = {"model": "tweet-sentiment", "predictions": [PREDICTION]}


@pytest.fixture
def fake_api(fake_api):
    fake_api.answers["GET /v1/models/tweet-sentiment"] = fake_api.answers["GET /v1/models/m"] = DESCRIPTION
    return fake_api


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["slipway", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_one_record_from_the_command_line(fake_api, monkeypatch, capsys):
    fake_api.answers[PATH] = (200, ANSWER)
    assert run(monkeypatch, "predict", "tweet-sentiment", "text=What a day") == 0
    assert fake_api.calls[1][2] == {"inputs": [{"text": "What a day"}]}
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
    assert fake_api.calls[1][2] == {"inputs": [{"a": 1}, {"a": 2.5}]}


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


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "123", "true", "null", "[" * 5000, '"x"'])
def test_a_value_is_read_by_the_type_of_its_field(fake_api, monkeypatch, text: str):
    fake_api.answers[PATH] = (200, ANSWER)
    assert run(monkeypatch, "predict", "tweet-sentiment", f"text={text}") == 0
    assert fake_api.calls[1][2] == {"inputs": [{"text": text}]}


@pytest.mark.parametrize(
    ("pair", "message"),
    [("a=NaN", "a: must be a finite number, not nan"), ("text=Sch\udcf6n", "text: is not UTF-8")],
)
def test_a_value_that_json_cannot_hold_is_named(fake_api, monkeypatch, capsys, pair: str, message: str):
    assert run(monkeypatch, "predict", "m", pair) == 1
    assert message in capsys.readouterr().err.replace("'", "")


def test_a_csv_is_read_by_the_types_of_the_inputs(fake_api, monkeypatch, tmp_path: Path):
    fake_api.answers["POST /v1/models/m/predict"] = (200, {"model": "m", "predictions": [PREDICTION]})
    (tmp_path / "r.csv").write_bytes(b"\xef\xbb\xbftext,a\r\n123,4\r\nx,\r\n")
    assert run(monkeypatch, "predict", "m", "--input", str(tmp_path / "r.csv")) == 0
    assert fake_api.calls[1][2] == {"inputs": [{"text": "123", "a": 4.0}, {"text": "x"}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"text": "Sch\xf6ner Tag"}\n', "record 1 (line 1): has the byte 0xF6, which is not UTF-8"),
        (b'{"text": "ok"}\n{"text": "cut \\ud83d"}\n', "record 2 (line 2), text: has half of a surrogate pair"),
        (b'{"text": "ok"}\n\n{"text": ' + b"[" * 20_000, "record 2 (line 3): is not JSON that can be read"),
        (b'{"a": Infinity}\n', "record 1 (line 1), a: must be a finite number"),
        (b"", "has no records"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(fake_api, monkeypatch, capsys, tmp_path, content, message):  # noqa: PLR0917
    (tmp_path / "r.jsonl").write_bytes(content)
    assert run(monkeypatch, "predict", "m", "--input", str(tmp_path / "r.jsonl")) == 1
    assert message in capsys.readouterr().err
    assert fake_api.calls == []


def test_lines_end_at_the_line_feed_alone(fake_api, monkeypatch, tmp_path: Path):
    fake_api.answers["POST /v1/models/m/predict"] = (200, {"model": "m", "predictions": [PREDICTION]})
    (tmp_path / "r.jsonl").write_text('{"text": "so\u2028good\x85x"}\n', encoding="utf-8")
    assert run(monkeypatch, "predict", "m", "--input", str(tmp_path / "r.jsonl")) == 0
    assert fake_api.calls[1][2] == {"inputs": [{"text": "so\u2028good\x85x"}]}


def test_what_the_api_refuses_is_named_by_its_place_in_the_file(fake_api, monkeypatch, capsys, tmp_path: Path):
    problem = {"title": "Invalid input", "errors": [{"field": "inputs[1].a", "message": "must be a number"}]}
    fake_api.answers["POST /v1/models/m/predict"] = (422, problem)
    (tmp_path / "r.jsonl").write_text('{"a": 1}\n\n{"a": "x"}\n')
    assert run(monkeypatch, "predict", "m", "--input", str(tmp_path / "r.jsonl")) == 1
    assert "r.jsonl record 2 (line 3), a: must be a number" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (
            {"labels": ["billing", "spam"], "scores": {"billing": 0.9, "urgent": 0.2, "spam": 0.7}},
            "billing, spam 0.900, 0.700",
        ),
        ({"labels": [], "scores": {"billing": 0.1}}, "(no label)"),
        ({"values": {"width": 2.5, "height": -1.0}}, "width 2.5, height -1.0"),
        ({"value": 2.5}, "2.5"),
        ({"own": 1}, "None"),
    ],
)
def test_every_form_of_answer_is_shown(fake_api, monkeypatch, capsys, output, shown):
    monkeypatch.setenv("COLUMNS", "200")
    made = {"id": "m.1.x", "version": 1, "cached": False, **output}
    fake_api.answers[PATH] = (200, {"model": "tweet-sentiment", "predictions": [made]})
    assert run(monkeypatch, "predict", "tweet-sentiment", "text=x") == 0
    assert shown in re.sub("[ │|]+", " ", capsys.readouterr().out)
