"""An ASGI app as a Lambda handler, for events of an HTTP API in payload format 2.0.

asyncio takes longer to import than all of Slipway's own modules of a prediction, and its event loop is a sixth of what
a prediction costs beside its graph; so what answers without ever waiting is stepped through without either.
"""

import logging
from base64 import b64decode, b64encode
from collections.abc import Callable, Coroutine, Mapping, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from weakref import finalize

from slipway.monitoring.telemetry.logs import log_as_json
from slipway.serving.http.exchange import Receive, Scope, Send

if TYPE_CHECKING:
    import asyncio

# Everything else goes in base64, which API Gateway decodes: true bytes, but unreadable in a log.
_TEXT = ("text/", "application/json", "application/problem+json")
_LOG = logging.getLogger("slipway")

App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]


def never(scope: Scope) -> bool:  # noqa: ARG001 - it is asked of a scope
    """Of no request it is known that its answer waits for nothing."""
    return False


def lambda_handler(app: App, *, at_once: Callable[[Scope], bool] = never) -> "LambdaHandler":
    """A handler that logs errors as JSON; ``at_once`` tells the requests that ``app`` answers without waiting."""
    log_as_json()
    return LambdaHandler(app, at_once)


class LambdaHandler:
    """Called with each event, one at a time."""

    def __init__(self, app: App, at_once: Callable[[Scope], bool]) -> None:
        self.app = app
        self._at_once = at_once

    def __call__(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        """The answer in the form that API Gateway takes."""
        scope, cycle = http_scope(event, context), _Cycle(_body(event))
        answering = self.app(scope, cycle.receive, cycle.send)
        try:
            if self._at_once(scope):
                _step(answering)
            else:
                self._loop.run_until_complete(answering)
        except Exception as error:
            if not cycle.is_complete:
                raise
            _LOG.error("after the answer: %s: %s", type(error).__name__, error, exc_info=error)
        return cycle.response()

    @cached_property
    def _loop(self) -> "asyncio.AbstractEventLoop":
        import asyncio

        loop = asyncio.new_event_loop()
        finalize(self, loop.close)
        return loop


def http_scope(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """ASGI's scope of an event."""
    if event.get("version") != "2.0":
        raise ValueError(f"needed is an event in payload format 2.0, not {event.get('version')!r}")
    http = event["requestContext"]["http"]
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    if event.get("cookies"):
        headers["cookie"] = "; ".join(event["cookies"])
    host, _, port = headers.get("host", "").partition(":")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.0"},
        "http_version": "1.1",
        "method": http["method"],
        "scheme": headers.get("x-forwarded-proto", "https"),
        "path": unquote(http["path"]),
        "raw_path": None,
        "root_path": "",
        "query_string": event.get("rawQueryString", "").encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        "server": (host, int(port or headers.get("x-forwarded-port", 443))),
        "client": (http["sourceIp"], 0),
        "aws.context": context,
    }


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    return b64decode(body) if event.get("isBase64Encoded") else body.encode()


def _step(answering: Coroutine[Any, Any, None]) -> None:
    try:
        answering.send(None)
    except StopIteration:
        return
    answering.close()
    raise RuntimeError("an answer that was said to wait for nothing waited for something")


class _Cycle:
    """A request's body, and the answer to it as it comes."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._ended: asyncio.Future[None] | None = None
        self.is_complete = False

    async def receive(self) -> MutableMapping[str, Any]:
        """The body; after it, the client's end, which is when it was answered."""
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.is_complete:
            import asyncio

            self._ended = self._ended or asyncio.get_running_loop().create_future()
            await self._ended
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], message.get("headers", [])
            return
        self._parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            self.is_complete = True
            if self._ended is not None:
                self._ended.set_result(None)

    def response(self) -> dict[str, Any]:
        """The answer as API Gateway takes it."""
        headers: dict[str, str] = {}
        cookies = []
        for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers):
            if name == "set-cookie":
                cookies.append(value)
            else:
                headers[name] = f"{headers[name]},{value}" if name in headers else value
        body, is_text = b"".join(self._parts), headers.get("content-type", "").startswith(_TEXT)
        return {
            "statusCode": self._status,
            "headers": headers,
            "body": body.decode() if is_text else b64encode(body).decode(),
            "isBase64Encoded": not is_text,
            **({"cookies": cookies} if cookies else {}),
        }
