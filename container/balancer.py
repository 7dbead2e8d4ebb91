"""A slot's client for the load balancer: HTTP/1.1 over keep-alive connections in the event loop.

The client needs only POST, so it uses httptools, which already parses the server's requests, on asyncio streams.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from urllib.parse import urlsplit

import httptools

# The balancer closes connections that are idle for 60 seconds.
_IDLE_SECONDS = 30.0
_KEPT = 64
_CHUNK = 65_536


class Balancer:
    """Posts to a load balancer; ``url`` is its address, whose path prefixes every other path.

    For use in one event loop.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or 80
        self._named = parts.netloc
        self._path = parts.path.rstrip("/")
        self._idle: deque[tuple[float, _Connection]] = deque(maxlen=_KEPT)

    async def post(
        self, path: str, body: bytes, seconds: float, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Post JSON, and return the answer's status and body; ``headers`` are those of a request that was parsed.

        Raises:
            OSError: no valid HTTP answer arrived within ``seconds``.
        """
        async with asyncio.timeout(seconds):
            connection = await self._connection()
            try:
                reply = await connection.ask(self._request(path, body, headers))
            except BaseException:
                connection.close()
                raise
        if reply.is_kept:
            self._keep(connection)
        else:
            connection.close()
        return reply.status, bytes(reply.body)

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop()[1].end()

    def _request(self, path: str, body: bytes, headers: Mapping[str, str] | None) -> bytes:
        more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = (
            f"POST {self._path}{path} HTTP/1.1\r\nhost: {self._named}\r\n{more}"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode("latin-1") + body

    async def _connection(self) -> "_Connection":
        while self._idle:
            since, connection = self._idle.pop()
            if monotonic() - since < _IDLE_SECONDS and connection.is_open:
                return connection
            connection.close()
        return _Connection(*await asyncio.open_connection(self._host, self._port))

    def _keep(self, connection: "_Connection") -> None:
        if len(self._idle) == _KEPT:
            self._idle.popleft()[1].close()
        self._idle.append((monotonic(), connection))


class _Reply:
    """Collects a reply from httptools' parser, which knows only at the end whether the connection is kept."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.body = bytearray()
        self.is_kept = False
        self.is_whole = False

    def on_body(self, body: bytes) -> None:
        """Append a part of the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Record the status and whether the connection is kept."""
        self.is_whole = True
        self.status, self.is_kept = self.parser.get_status_code(), self.parser.should_keep_alive()


class _Connection:
    """A connection with at most one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def is_open(self) -> bool:
        """Whether neither side is known to have closed the connection."""
        return not self._reader.at_eof() and not self._writer.is_closing()

    async def ask(self, request: bytes) -> _Reply:
        self._writer.write(request)
        await self._writer.drain()
        reply = _Reply()
        while not reply.is_whole:
            part = await self._reader.read(_CHUNK)
            if not part:
                raise ConnectionResetError("the load balancer closed the connection before its answer")
            try:
                reply.parser.feed_data(part)
            except httptools.HttpParserError as error:
                raise ConnectionError(f"the load balancer's answer is no HTTP: {error}") from error
        del reply.parser  # breaks the reference cycle
        return reply

    def close(self) -> None:
        self._writer.close()

    async def end(self) -> None:
        self._writer.close()
        with suppress(OSError):  # the other side may have closed it first
            await self._writer.wait_closed()
