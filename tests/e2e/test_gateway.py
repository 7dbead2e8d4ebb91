"""What stands before the functions: authorization, limits, and the front door that signs."""

import gzip
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from local.environment.settings import HOST
from local.environment.state import State

SENTIMENT = "/v1/models/tweet-sentiment/predict"
FOREIGN_SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)


@pytest.fixture
def execute_api(running: State, outputs: dict[str, str]) -> str:
    """The address of the API in the emulator, behind the front door."""
    return f"{running.emulator}/_aws/execute-api/{outputs['ApiId']}/$default"


def test_an_unsigned_request_is_refused_behind_the_front_door(execute_api: str) -> None:
    assert httpx.get(f"{execute_api}/v1/models").status_code == 403
    assert httpx.post(f"{execute_api}{SENTIMENT}", json={"inputs": [{"text": "Good."}]}).status_code == 403


def test_a_signature_with_unknown_keys_is_refused(execute_api: str) -> None:
    headers = {"Authorization": FOREIGN_SIGNATURE, "X-Amz-Date": "20261121T000000Z"}

    assert httpx.get(f"{execute_api}/v1/models", headers=headers).status_code == 403


def test_a_clients_own_authorization_does_not_get_in_the_way(api: httpx.Client) -> None:
    assert api.get("/v1/models", headers={"Authorization": "Basic dTpw"}).status_code == 200


def test_a_body_over_the_gateways_limit_is_refused(api: httpx.Client) -> None:
    answer = api.post(SENTIMENT, content=b"x" * (10 * 1024 * 1024 + 1), headers={"Content-Type": "application/json"})

    assert answer.status_code == 413


def test_a_chunked_body_is_taken(api: httpx.Client) -> None:
    parts = iter([b'{"inputs": ', b'[{"text": "Good."}]}'])

    assert api.post(SENTIMENT, content=parts, headers={"Content-Type": "application/json"}).status_code == 200


def test_json_in_gzip_is_read_by_functions_and_tasks(api: httpx.Client) -> None:
    body = gzip.compress(b'{"inputs": [{"text": "Good."}]}')
    for path in (SENTIMENT, "/v1/models/tweet-sentiment-large/predict"):
        assert api.post(path, content=body, headers={"Content-Type": "application/gzip"}).status_code == 200


@pytest.mark.parametrize("query", ["?a=b=c&d", "?q=%zz&%", "?x=a+b&x=%20", "?%ff=&&=&a"])
def test_any_query_string_is_signed_as_aws_reads_it(running: State, query: str) -> None:
    assert httpx.get(f"{running.api}/v1/models{query}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/v2/", "/health", "/iceberg/v1", "/v1/models/a%2Fb", "/_ministack/health"])
def test_other_paths_are_not_found(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 404


def test_a_byte_that_no_path_may_hold_is_a_bad_request(running: State) -> None:
    port = urlsplit(running.api).port
    with socket.create_connection((HOST, port), timeout=10) as connection:
        connection.sendall(b"GET /v1/models/\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        status_line = connection.recv(64).split(b"\r\n")[0]

    assert b" 400 " in status_line + b" "


def test_everything_listens_on_loopback_only(running: State) -> None:
    listening = [
        connection.laddr.ip
        for process in running.processes
        for each in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for connection in each.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert all(ip_address(address).is_loopback for address in listening)
    assert listening.count(HOST) == 2  # the others are tasks of heavy models, each on an address of its own
