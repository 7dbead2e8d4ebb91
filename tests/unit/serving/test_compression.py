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
