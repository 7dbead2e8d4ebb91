"""One HTTP exchange, free of any framework: an endpoint takes a `Call` and gives an `Answer`.

What ASGI needs of both is here too, so that the calls that must be fast can be answered before FastAPI is imported.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from slipway.errors import (
    ExpiredError,
    MalformedError,
    OverloadedError,
    PredictionError,
    SlipwayError,
    TooLargeError,
    UnavailableError,
)
from slipway.monitoring.telemetry.requests import RequestEvent, Telemetry

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = "application/json"
GONE = "slipway.gone"
"""An extension of ASGI's scope: tells, in any thread, whether the client has closed its connection."""

_NONE: Mapping[str, str] = {}
_CONTENT_TYPE, _CONTENT_LENGTH = b"content-type", b"content-length"
_LOG = logging.getLogger("slipway")
# Under overload there are thousands of them a second, and the metrics count them.
_EXPECTED = (OverloadedError, ExpiredError)


class Headers:
    """The headers of a request; of several with one name, the first. Only those that somebody asks for are decoded."""

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._values = dict(reversed(raw))

    def get(self, name: str, default: str = "") -> str:
        """The header called ``name``, in lower case as ASGI has it."""
        value = self._values.get(name.encode("latin-1"))
        return default if value is None else value.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Call:
    """A request as an endpoint sees it."""

    path: str
    parameters: Mapping[str, str]
    headers: Headers
    body: bytes
    request_id: str
    event: RequestEvent
    is_gone: Callable[[], bool] | None = None
    """Whether the client has closed its connection, in any thread; where the server tells."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; names of ``headers`` are in lower case, and not those of what is known of the body."""

    body: bytes
    status: int = 200
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as ASGI wants them."""
        own = (_CONTENT_TYPE, self.media_type.encode("latin-1")), (_CONTENT_LENGTH, b"%d" % len(self.body))
        return [*own, *((name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items())]


Endpoint = Callable[[Call], "Answer | Awaitable[Answer]"]
"""Answers at once, or in a while; what may take longer than reading a request does is to be awaited."""


Refuse = Callable[[Scope, int], Answer | None]
"""The answer to a request that there is no room for, beside so many that have just come; None where there is room."""


class ErrorStyle(Protocol):
    """How a protocol answers an error."""

    def __call__(self, error: BaseException, path: str) -> Answer: ...


class UnsupportedMediaTypeError(MalformedError):
    """The body is of a type or encoding that the endpoint does not read."""


class Exchange:
    """Runs endpoints: reads the body within its limit, times, counts, and answers errors in the protocol's style."""

    def __init__(self, telemetry: Telemetry, *, body_bytes: int) -> None:
        self._telemetry = telemetry
        self._limit = body_bytes

    async def run(
        self,
        endpoint: Endpoint,
        style: ErrorStyle,
        scope: Scope,
        receive: Receive,
        parameters: Mapping[str, str] = _NONE,
        *,
        timed: bool = False,
    ) -> Answer:
        """Answer one request, whatever happens in it."""
        path = scope["path"]
        try:
            with self._telemetry.request(timed=timed) as event:
                headers = Headers(scope["headers"])
                body = await read_body(receive, headers, self._limit)
                gone = scope.get("extensions", _NONE).get(GONE)
                answer = endpoint(Call(path, parameters, headers, body, request_id(scope), event, gone))
                return answer if isinstance(answer, Answer) else await answer
        except SlipwayError as error:
            if isinstance(error, PredictionError | UnavailableError) and not isinstance(error, _EXPECTED):
                log_fault(error, request_id(scope))
            return style(error, path)
        except Exception as error:  # noqa: BLE001 - the edge: the caller gets a 500 that tells nothing of the inside
            log_fault(error, request_id(scope))
            return style(error, path)


def log_fault(error: BaseException, request: str) -> None:
    """The one place that logs what went wrong on the service's side; callers' mistakes are in the metrics only."""
    trace = None if isinstance(error, UnavailableError) else error
    _LOG.error("%s: %s", type(error).__name__, error, exc_info=trace, extra={"request": request})


def request_id(scope: Scope) -> str:
    """The id that AWS gave the request, or nothing outside Lambda."""
    context = scope.get("aws.context")
    return str(getattr(context, "aws_request_id", ""))


async def read_body(receive: Receive, headers: Headers, limit: int) -> bytes:
    """The request's body.

    Raises:
        TooLargeError: it has more than ``limit`` bytes; the rest of it is not read.
        MalformedError: the client went away before its end.
    """
    length = headers.get("content-length")
    if length.isdecimal() and len(length) < 20 and int(length) > limit:
        raise too_large(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedError.of("(body)", "the request ended before its body did")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise too_large(limit)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(limit: int) -> TooLargeError:
    """The error for a body over the limit."""
    return TooLargeError.of("(body)", f"must have at most {limit} bytes")


async def send_answer(answer: Answer, send: Send) -> None:
    """Give an answer to the ASGI server."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.raw_headers()})
    await send({"type": "http.response.body", "body": answer.body})


def require_json(call: Call) -> None:
    """Refuse a body that says it is not JSON; one that says nothing is taken for JSON."""
    media_type = call.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media_type != JSON:
        raise UnsupportedMediaTypeError.of("content-type", f"must be {JSON}, not {media_type[:100]!r}")
    require_plain(call)


def require_plain(call: Call) -> None:
    """Refuse a compressed body."""
    encoding = call.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaTypeError.of("content-encoding", f"must be absent: {encoding[:100]!r} is not read")
