"""Signatures of calls to an API."""

from datetime import UTC, datetime

import botocore.auth
import pytest
from botocore.credentials import Credentials

from slipway.aws.sigv4 import Signer

SIGNER = Signer(Credentials("AKIDEXAMPLE", "secret", "session"), "eu-west-1")
URL = "https://abc.execute-api.eu-west-1.amazonaws.com/v1/models"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature holds the time in seconds: here all are of one."""
    now = datetime(2026, 11, 27, 8, tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: now)


def test_the_headers_are_a_signature_and_nothing_else() -> None:
    headers = SIGNER.headers("GET", URL, b"")
    assert {name.lower() for name in headers} == {"authorization", "x-amz-date", "x-amz-security-token"}
    assert "/eu-west-1/execute-api/aws4_request" in headers["Authorization"]
    assert "secret" not in headers["Authorization"]


def test_a_signature_is_of_method_path_parameters_host_and_body() -> None:
    calls = [
        ("GET", URL, b""),
        ("POST", URL, b""),
        ("GET", f"{URL}/other", b""),
        ("GET", f"{URL}?a=1", b""),
        ("GET", URL.replace("abc", "xyz"), b""),
        ("GET", URL, b"{}"),
    ]
    signatures = {SIGNER.headers(*call)["Authorization"].rpartition("=")[2] for call in calls}
    assert len(signatures) == len(calls)


def test_parameters_are_signed_as_aws_reads_them() -> None:
    spelt = {SIGNER.headers("GET", f"{URL}?{query}", b"")["Authorization"] for query in ("q=a+b&z", "q=a%20b&z=")}
    assert len(spelt) == 1


def test_the_port_is_of_the_host() -> None:
    plain, other = (SIGNER.headers("GET", f"http://127.0.0.1{port}/", b"") for port in (":80", ":81"))
    assert plain["Authorization"] != other["Authorization"]
