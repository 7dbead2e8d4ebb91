"""Answers API Gateway's events with an app, through Mangum."""

import re
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from slipway.serving.http.responses import TEXT_MEDIA_TYPES

Event = dict[str, Any]
Answer = dict[str, Any]

# Mangum raises ValueError for any other, and API Gateway then answers 502.
_HOST = re.compile(r"[^:]*(:[0-9]{1,5})?")
_PORT = re.compile(r"[0-9]{1,5}")


class GatewayHandler:
    """A Lambda handler that answers HTTP API events of payload format 2.0 with ``app``."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._mangum = Mangum(app, lifespan="off", text_mime_types=list(TEXT_MEDIA_TYPES))

    def __call__(self, event: Event, context: Any) -> Answer:
        return self._mangum(with_plain_headers(event), context)


def with_plain_headers(event: Event) -> Event:
    """Return the event without the headers that Mangum cannot read and the app does not need.

    These are a ``host`` that is an IPv6 address and an ``x-forwarded-port`` of several proxies, ``443,80``.
    """
    headers = {name.lower(): _encodable(value) for name, value in (event.get("headers") or {}).items()}
    if not _HOST.fullmatch(headers.get("host", "")):
        del headers["host"]
    if not _PORT.fullmatch(headers.get("x-forwarded-port", "80")):
        del headers["x-forwarded-port"]
    return {**event, "headers": headers}


def _encodable(value: str) -> str:
    """Replace lone surrogates, which no bytes of a header can be."""
    return value if value.isascii() else value.encode(errors="replace").decode()
