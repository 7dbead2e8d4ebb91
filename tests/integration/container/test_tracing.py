"""The container's traces, and where they go."""

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.credentials import Credentials
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from requests import Request

from container.tracing import signed_by, tracer_provider
from slipway.aws.sigv4 import Signer

SECRET = "sunny secret"


class Collector(HTTPServer):
    """Takes traces on a port of loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.received: list[tuple[str, bytes]] = []
        self.signed: list[bool] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, gzip.decompress(body)))
        self.server.signed.append("Authorization" in self.headers)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_request_becomes_a_span_without_what_was_sent(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop-large")
    provider = tracer_provider(collector.endpoint)
    assert provider is not None
    app = FastAPI(telemetry={"tracing": True, "tracer_provider": provider, "metrics": False, "logs": False})

    @app.post("/v1/models/{model}/predict")
    def predict(model: str, inputs: list[int]) -> dict[str, str]:
        return {"model": model}

    client = TestClient(app)
    assert client.post("/v1/models/large/predict", json=[1]).status_code == 200
    assert client.post("/v1/models/large/predict", json=[SECRET]).status_code == 422
    provider.shutdown()
    ((path, body),) = collector.received
    assert (path, collector.signed) == ("/v1/traces", [False])
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    assert {a.key: a.value.string_value for a in resource.resource.attributes}["service.name"] == "shop-large"
    names = [span.name for scope in resource.scope_spans for span in scope.spans]
    assert names.count("POST /v1/models/{model}/predict") == 2
    assert SECRET.encode() not in body


def test_requests_to_x_ray_are_signed() -> None:
    signer = Signer(Credentials("AKIA", "secret", "token"), "eu-west-1", "xray")
    headers = {"Content-Type": "application/x-protobuf"}
    prepared = Request("POST", "https://xray.eu-west-1.amazonaws.com/v1/traces", headers=headers, data=b"x").prepare()
    signed = signed_by(signer)(prepared).headers
    assert "/eu-west-1/xray/aws4_request, SignedHeaders=host;x-amz-date" in signed["Authorization"]
    assert signed["X-Amz-Security-Token"] == "token"
    assert signed["Content-Type"] == "application/x-protobuf"


def test_without_an_endpoint_nothing_is_imported() -> None:
    program = (
        "import sys\nfrom container.tracing import tracer_provider\nassert tracer_provider(None) is None\n"
        "print(*[name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'requests', 'google'))])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
