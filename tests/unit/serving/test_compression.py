"""Compressed bodies, of requests and answers."""

import gzip
import json
import zlib

import pytest
from starlette.testclient import TestClient
from support.serving import PREDICT, fields, refused

BODY = json.dumps({"inputs": [{"text": "good"}]}).encode()


def post(client: TestClient, content: bytes, encoding: str, path: str = PREDICT):
    headers = {"content-type": "application/json", "content-encoding": encoding}
    return client.post(path, content=content, headers=headers)


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("GZIP", gzip.compress(BODY, mtime=0)),
        ("x-gzip", gzip.compress(BODY[:9], mtime=0) + gzip.compress(BODY[9:], mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("identity", BODY),
    ],
)
def test_compressed_records_are_read(client: TestClient, encoding: str, content: bytes) -> None:
    answer = post(client, content, encoding)
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0]["label"] == "positive"


def test_every_route_reads_them(api, client: TestClient) -> None:
    tensors = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["good"]}]}
    infer = post(client, gzip.compress(json.dumps(tensors).encode()), "gzip", "/v2/models/tiny-sentiment/infer")
    assert infer.status_code == 200
    said = {"prediction_id": api.sign("tiny-sentiment.1." + "0" * 24), "reward": 1}
    assert post(client, gzip.compress(json.dumps(said).encode()), "gzip", "/v1/feedback").status_code == 201


@pytest.mark.parametrize(
    "content", [BODY, b"\x1f\x8b", gzip.compress(BODY, mtime=0)[:-9], gzip.compress(BODY, mtime=0) + b"more"]
)
def test_what_is_not_gzip_is_a_400(client: TestClient, content: bytes) -> None:
    assert fields(refused(post(client, content, "gzip"), 400)) == ["(body)"]


def test_a_body_is_limited_when_it_is_unpacked(client: TestClient) -> None:
    assert post(client, gzip.compress(b" " * (65_536 - len(BODY)) + BODY), "gzip").status_code == 200
    refused(post(client, gzip.compress(b" " * 65_536 + BODY), "gzip"), 413)
    refused(post(client, gzip.compress(b" " * 100_000_000), "gzip"), 413)


@pytest.mark.parametrize("encoding", [{}, {"content-encoding": "gzip"}])
@pytest.mark.parametrize("media_type", ["application/gzip", "Application/X-GZIP; a=b"])
def test_gzip_as_a_media_type_is_json(client: TestClient, media_type: str, encoding: dict[str, str]) -> None:
    headers = {"content-type": media_type, **encoding}
    answer = client.post(PREDICT, content=gzip.compress(BODY, mtime=0), headers=headers)
    assert answer.status_code == 200, answer.text
    refused(client.post(PREDICT, content=BODY, headers=headers), 400)
    refused(client.post(PREDICT, content=gzip.compress(b" " * 65_536 + BODY), headers=headers), 413)


def test_the_media_type_gzip_in_another_encoding_is_refused(client: TestClient) -> None:
    headers = {"content-type": "application/gzip", "content-encoding": "br"}
    refused(client.post(PREDICT, content=gzip.compress(BODY, mtime=0), headers=headers), 415)


def test_a_compressed_body_that_was_made_a_text_on_the_way_says_how_to_send_it(client: TestClient) -> None:
    text = gzip.compress(BODY, mtime=0).decode(errors="replace")
    problem = refused(post(client, text.encode(), "gzip"), 400)
    assert "content-type: application/gzip" in problem["errors"][0]["message"]


def test_other_encodings_are_named(client: TestClient) -> None:
    problem = refused(post(client, BODY, "br"), 415)
    assert problem["errors"] == [{"field": "content-encoding", "message": "must be gzip, deflate or absent, not 'br'"}]


def test_large_answers_are_compressed_for_who_accepts_it(client: TestClient) -> None:
    path = "/openapi.json"
    plain = client.get(path, headers={"accept-encoding": "identity"})
    packed = client.get(path, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.content == plain.content
    assert "content-encoding" not in post(client, BODY, "identity").headers
