"""Sends OpenTelemetry traces of the container's requests to X-Ray or another collector.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from requests import PreparedRequest, Session

    from slipway.aws.sigv4 import Signer

_XRAY = re.compile(r"https://xray\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/")


def tracer_provider(endpoint: str | None) -> "TracerProvider | None":
    """Create a provider that sends spans to ``endpoint`` in the background; return None without an endpoint.

    FastAPI's ``telemetry`` uses it. OpenTelemetry's variables ``OTEL_SERVICE_NAME`` and ``OTEL_TRACES_SAMPLER`` set the
    service's name and the share of requests traced.
    """
    if endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint, compression=Compression.Gzip, session=_session(endpoint))
    provider = TracerProvider()  # sends the remaining spans when the process ends
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _session(endpoint: str) -> "Session":
    """Create a session that signs requests to X-Ray with the task's credentials."""
    import requests

    from slipway.aws.sigv4 import Signer, environment_credentials

    session = requests.Session()
    found, credentials = _XRAY.match(endpoint), environment_credentials()
    if found and credentials is not None:
        session.auth = signed_by(Signer(credentials, found["region"], "xray"))
    return session


def signed_by(signer: "Signer") -> Callable[["PreparedRequest"], "PreparedRequest"]:
    """Return an authentication hook for `requests` that signs each request."""

    def sign(request: "PreparedRequest") -> "PreparedRequest":
        body = request.body or b""
        content = body if isinstance(body, bytes) else body.encode()
        request.headers.update(signer.headers(str(request.method), str(request.url), content))
        return request

    return sign
