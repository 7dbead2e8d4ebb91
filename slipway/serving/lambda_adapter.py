"""An ASGI app as a Lambda handler."""

from typing import Any

from mangum import Mangum

from slipway.monitoring.logs import log_as_json

# Mangum encodes everything else in base64, which API Gateway decodes: true bytes, but unreadable in a log.
_TEXT = ["text/", "application/json", "application/problem+json"]


def lambda_handler(app: Any) -> Mangum:
    """A handler for events of an HTTP API, payload format 2.0; errors are logged as JSON."""
    log_as_json()
    return Mangum(app, lifespan="off", text_mime_types=_TEXT)
