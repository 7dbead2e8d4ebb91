"""Limits the size of request bodies."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.errors import TooLargeError

_LENGTH_DIGITS = 19


class LimitBody:
    """ASGI middleware that raises TooLargeError when more than ``most`` bytes of a body are read, and stops reading.

    FastAPI's own limit answers in plain text and bypasses the error handlers.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, self._limited(scope, receive) if scope["type"] == "http" else receive, send)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        size = 0
        said = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        too_large = said.isdigit() and (len(said) > _LENGTH_DIGITS or int(said) > self._most)

        async def limited() -> Message:
            nonlocal size
            if too_large:
                raise self._error()
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise self._error()
            return message

        return limited

    def _error(self) -> TooLargeError:
        return TooLargeError.of("(body)", f"must have at most {self._most} bytes")
