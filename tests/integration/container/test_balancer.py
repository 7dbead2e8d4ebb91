"""The load balancer as a slot asks it: which answers count, and which connections are kept."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from container.balancer import Balancer

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\n\r\n3\r\nful\r\n1\r\nl\r\n0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Server:
    """Answers each request with the next of its answers; None closes the connection."""

    answers: list[bytes | None]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            self.requests.append(head + await reader.readexactly(length))
            answer = self.answers.pop(0)
            if answer == CLOSING:
                writer.write(answer)
                break
            if answer is None:
                break
            for part in (answer[:20], answer[20:]):
                writer.write(part)
                await writer.drain()
        writer.close()


def with_server(answers: list[bytes | None], use: Callable[[Balancer], Awaitable[Any]]) -> tuple[Server, Any]:
    """What ``use`` gives of a load balancer with these answers."""

    async def run() -> Any:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        async with listening:
            balancer = Balancer(f"http://127.0.0.1:{port}/_alb/name/")
            given = await use(balancer)
            await balancer.close()
        await asyncio.sleep(0.05)  # connections that were given up close behind the answer
        for writer in server.writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        return given

    server = Server(answers)
    return server, asyncio.run(run())


async def thrice(balancer: Balancer) -> list[tuple[int, bytes]]:
    return [await balancer.post("/v1/models/m/versions/2/predict", b'{"inputs": []}', 5) for _ in range(3)]


def test_a_connection_is_kept_for_the_next() -> None:
    server, answers = with_server([OK, CHUNKED, OK], thrice)
    assert answers == [(200, b"{}"), (503, b"full"), (200, b"{}")]
    assert server.connections == 1
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /_alb/name/v1/models/m/versions/2/predict HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"content-type: application/json" in head
    assert body == b'{"inputs": []}'


def test_one_that_is_to_be_closed_is_not_used_again() -> None:
    server, answers = with_server([CLOSING, OK, OK], thrice)
    assert [status for status, _ in answers] == [200, 200, 200]
    assert server.connections == 2


def test_requests_at_once_have_connections_of_their_own() -> None:
    async def at_once(balancer: Balancer) -> Any:
        return await asyncio.gather(*(balancer.post("/", b"", 5) for _ in range(4)))

    server, answers = with_server([OK] * 4, at_once)
    assert [status for status, _ in answers] == [200] * 4
    assert server.connections > 1


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", b"nonsense\r\n\r\n" * 9])
def test_what_is_no_whole_answer_is_an_error(answer: bytes | None) -> None:
    async def once(balancer: Balancer) -> None:
        with pytest.raises((ConnectionError, TimeoutError)):
            await balancer.post("/", b"", 0.5)

    with_server([answer], once)


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(ConnectionError):
        asyncio.run(Balancer("http://127.0.0.1:9").post("/", b"", 5))


def test_no_answer_in_time_is_an_error() -> None:
    async def late(balancer: Balancer) -> None:
        with pytest.raises(TimeoutError):
            await balancer.post("/", b"", 0.2)

    with_server([b""], late)


def test_headers_are_sent_as_they_are_given() -> None:
    headers = {"x-slipway-caller": "203.0.113.7 ann"}
    server, _ = with_server([OK], lambda balancer: balancer.post("/v1/x", b"{}", 5, headers))
    assert b"\r\nx-slipway-caller: 203.0.113.7 ann\r\n" in server.requests[0]
