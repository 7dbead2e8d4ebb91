"""Unpacks compressed request bodies."""

import zlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.errors import MalformedError, TooLargeError

ENCODINGS = (b"gzip", b"x-gzip", b"deflate")
Headers = list[tuple[bytes, bytes]]
_EITHER_FORMAT = zlib.MAX_WBITS | 32  # zlib tells gzip from deflate by the first bytes
_REPLACED = (b"content-encoding", b"content-length")
_PACKED_JSON = (b"application/gzip", b"application/x-gzip")
_LOST = "\x1f\ufffd".encode()  # the first two bytes of gzip, once they have been made a text


class UnpackBody:
    """ASGI middleware that unpacks gzip and deflate; other encodings are left for routes to refuse.

    A body of the type `application/gzip` is JSON, too. API Gateway passes it to a function unharmed, in base64, and
    makes a text of a body of the type `application/json`, whatever its encoding.

    Args:
        app: sees a body of at most ``most`` bytes without a content encoding.
        most: the limit of an unpacked body; unpacking stops there.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (headers := _unpacked_headers(scope["headers"])) is not None:
            scope, receive = {**scope, "headers": headers}, _unpacked(receive, self._most)
        await self._app(scope, receive, send)


def _unpacked_headers(headers: Headers) -> Headers | None:
    """The headers of the unpacked body, or None if the body is not packed."""
    said = {name: value.strip().lower() for name, value in reversed(headers)}
    encoding = said.get(b"content-encoding", b"")
    is_json = said.get(b"content-type", b"").partition(b";")[0].strip() in _PACKED_JSON
    if encoding not in ENCODINGS and not (is_json and encoding == b""):
        return None
    kept = [(name, value) for name, value in headers if name not in _REPLACED]
    if not is_json:
        return kept
    return [*(header for header in kept if header[0] != b"content-type"), (b"content-type", b"application/json")]


def _unpacked(receive: Receive, most: int) -> Receive:
    unpacker = _Unpacker(most)

    async def unpacked() -> Message:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body = unpacker.feed(message.get("body", b""))
        if not message.get("more_body", False):
            unpacker.end()
        return {**message, "body": body}

    return unpacked


class _Unpacker:
    """Unpacks a body piece by piece; gzip may consist of several members."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most
        self._stream = zlib.decompressobj(_EITHER_FORMAT)
        self._begun = False

    def feed(self, packed: bytes) -> bytes:
        """Unpack a piece; raises MalformedError or TooLargeError."""
        if not self._begun and packed.startswith(_LOST):
            raise MalformedError.of(
                "(body)", "was compressed and has lost bytes on the way: send it with `content-type: application/gzip`"
            )
        pieces = []
        while packed:
            if self._stream.eof:
                self._stream = zlib.decompressobj(_EITHER_FORMAT)
            self._begun = True
            pieces.append(self._unpack(packed))
            self._left -= len(pieces[-1])
            if self._left < 0:
                raise TooLargeError.of("(body)", f"must have at most {self._most} bytes when it is unpacked")
            packed = self._stream.unused_data
        return b"".join(pieces)

    def end(self) -> None:
        """Raise MalformedError if the body ended before its compressed data did."""
        if self._begun and not self._stream.eof:
            raise MalformedError.of("(body)", "ends inside its compressed data")

    def _unpack(self, packed: bytes) -> bytes:
        try:
            return self._stream.decompress(packed, self._left + 1)
        except zlib.error as error:
            raise MalformedError.of("(body)", f"is not what content-encoding says: {error}") from None
