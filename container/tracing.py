"""Traces of the container's requests, in OpenTelemetry, to X-Ray or to any collector.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.session import Session as AwsSession
    from opentelemetry.sdk.trace import TracerProvider
    from requests import PreparedRequest, Session

_XRAY = re.compile(r"https://xray\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/")


def tracer_provider(endpoint: str | None) -> "TracerProvider | None":
    """What makes spans and sends them to ``endpoint`` in the background; None without an endpoint.

    It is for FastAPI's ``telemetry``. The service's name and the share of requests that are traced are in
    OpenTelemetry's own variables, ``OTEL_SERVICE_NAME`` and ``OTEL_TRACES_SAMPLER``.
    """
    if endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint, compression=Compression.Gzip, session=_session(endpoint))
    provider = TracerProvider()  # it sends what is left when the process ends
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _session(endpoint: str) -> "Session":
    """A session that signs what goes to X-Ray, with the task's credentials."""
    import requests
    from botocore.session import Session as AwsSession

    session = requests.Session()
    if found := _XRAY.match(endpoint):
        session.auth = signing(AwsSession(), found["region"])
    return session


def signing(aws: "AwsSession", region: str) -> Callable[["PreparedRequest"], "PreparedRequest"]:
    """Signs requests to X-Ray in a region, for `requests`."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    def sign(request: "PreparedRequest") -> "PreparedRequest":
        headers = {"content-type": request.headers["Content-Type"]}
        signed = AWSRequest(request.method, request.url, headers=headers, data=request.body)
        # Asked for anew each time: a task's credentials last for hours, and botocore renews them.
        SigV4Auth(aws.get_credentials(), "xray", region).add_auth(signed)
        request.headers.update(dict(signed.headers))
        return request

    return sign
