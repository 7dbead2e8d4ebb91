import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpx
import pytest

from slipway.aws.clients import new_client
from slipway.config.deployment.loopback import is_loopback, keep_direct, no_proxy

PROXY = "http://127.0.0.1:9"  # nothing listens there
SPELLINGS = [(name, name.upper()) for name in ("http_proxy", "https_proxy", "all_proxy")]
VARIABLES = [name for spellings in SPELLINGS for name in spellings]


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.64.3.2:8080/v1", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("https://abc.execute-api.eu-west-1.amazonaws.com", False),
        ("http://127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_loopback_is_recognised(url: str, here: bool) -> None:
    assert is_loopback(url) is here


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": ".corp, localhost"}, ".corp,localhost,127.0.0.1,::1"),
        ({"no_proxy": "a", "NO_PROXY": "b"}, "a,127.0.0.1,localhost,::1"),
        ({"no_proxy": "", "NO_PROXY": "b"}, "b,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "*"}, "*"),
    ],
)
def test_exceptions_of_the_environment_stay(given: dict[str, str], expected: str) -> None:
    assert no_proxy(given) == {"NO_PROXY": expected, "no_proxy": expected}


class Answers(BaseHTTPRequestHandler):
    """Answers every request as DynamoDB answers ListTables."""

    body: ClassVar[bytes] = b'{"TableNames": []}'

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_POST  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_client_calls_loopback_directly(here: str, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for name in [*VARIABLES, "NO_PROXY", "no_proxy"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, PROXY)
    environment: dict[str, str] = {}
    keep_direct(environment)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    keys = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = new_client("dynamodb", {"endpoint_url": here, **keys})

    assert client.list_tables()["TableNames"] == []
    assert httpx.get(here).status_code == 200
    with urllib.request.urlopen(here, timeout=10) as answer:
        assert answer.status == 200
