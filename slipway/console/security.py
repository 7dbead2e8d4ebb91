"""Refuses what a console on loopback must not answer: other hosts, other sites' requests, and forms without its token.

A name that an attacker's DNS points at 127.0.0.1 fails by its `Host`, another site's form by its `Origin`, and one that
lacks an `Origin` by the token, which only this console's pages have.
"""

import hmac
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.console.settings import ConsoleSettings

TOKEN_FIELD = "token"  # noqa: S105 - the name of the form's field
FORM = "application/x-www-form-urlencoded"
FORM_BYTES = 1_000_000
_READING = frozenset({"GET", "HEAD"})

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not `no-referrer`: with that, browsers send forms with the origin `null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused."""

    status: int
    reason: str


class Guard:
    """ASGI middleware that refuses unsafe requests and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, settings: ConsoleSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = refused(scope["method"], headers, self._settings)
        if refusal is None and scope["method"] not in _READING:
            body = await _body(receive)
            refusal = refused_form(body, self._settings)
            receive = _replayed(body or b"", receive)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send))
        else:
            answer = PlainTextResponse(refusal.reason + "\n", refusal.status)
            await answer(scope, receive, _with_headers(send))


def refused(method: str, headers: Headers, settings: ConsoleSettings) -> Refusal | None:
    """Why a request is refused by its method and headers; None if it is not."""
    if headers.get("host", "") not in settings.hosts:
        return Refusal(421, f"This console answers only at {settings.address}.")
    if _is_foreign(headers, settings):
        return Refusal(403, "This request comes from another site.")
    return None if method in _READING else _refused_action(method, headers, settings)


def _is_foreign(headers: Headers, settings: ConsoleSettings) -> bool:
    """Whether another site sends it, other than by a link to here, which only reads."""
    if (origin := headers.get("origin")) is not None:
        return origin not in settings.origins
    return headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate"


def _refused_action(method: str, headers: Headers, settings: ConsoleSettings) -> Refusal | None:
    if method != "POST":
        return Refusal(405, "This console knows GET, HEAD and POST.")
    if headers.get("origin") is None:
        return Refusal(403, "The request does not say which page it comes from (Origin).")
    if settings.read_only:
        return Refusal(403, "This console is read-only: it was started with --read-only.")
    if headers.get("content-type", "").partition(";")[0].strip() != FORM:
        return Refusal(415, f"Forms are sent as {FORM}.")
    return None


def refused_form(body: bytes | None, settings: ConsoleSettings) -> Refusal | None:
    """Why a form is refused: it is too large (None), or lacks the token of this console."""
    if body is None:
        return Refusal(413, f"A form has at most {FORM_BYTES:,} bytes.")
    given = parse_qs(body).get(TOKEN_FIELD.encode(), [b""])
    if len(given) != 1 or not hmac.compare_digest(given[0], settings.token.encode()):
        return Refusal(403, "This form is of an earlier run of the console. Go back, reload the page and try again.")
    return None


async def _body(receive: Receive) -> bytes | None:
    """The request's body, or None if it is too large."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > FORM_BYTES:
            return None
        if not message.get("more_body"):
            return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read to the app, then whatever else comes."""
    pending = [body]

    async def replay() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replay


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
