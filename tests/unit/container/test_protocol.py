"""The server's protocol over real connections: what it refuses never gets to the app, and nothing else is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import uvicorn
from support.eventually import until
from uvicorn.server import ServerState

from container.protocol import Protocol, Refusals
from slipway.serving.http.exchange import GONE, Answer, Scope

REFUSED = Answer(b'{"status":503}', 503, "application/problem+json", {"retry-after": "1"})
BODY = b'{"inputs":[]}'
POST = b"POST /a HTTP/1.1\r\nhost: test\r\ncontent-length: %d\r\n\r\n" % len(BODY)
GET = b"GET /b HTTP/1.1\r\nhost: test\r\n\r\n"


class App:
    """Answers with the path, and remembers what it was asked."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await self.may_answer.wait()
        body = scope["path"].encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Room:
    """Whether there is room; ``others`` is how many others had just come, at each time that it was asked."""

    def __init__(self, *, is_full: bool = False) -> None:
        self.is_full = is_full
        self.others: list[int] = []

    def refuse(self, scope: Scope, others: int) -> Answer | None:
        self.others.append(others)
        return REFUSED if self.is_full else None


Connect = Callable[[], Any]


@asynccontextmanager
async def serving(app: App, room: Room) -> AsyncIterator[Connect]:
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"today")]
    make = partial(Protocol, config=config, server_state=state, app_state={}, refusals=Refusals(room.refuse))
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    try:
        yield partial(asyncio.open_connection, *server.sockets[0].getsockname())
    finally:
        server.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """The next answer on a connection: status, headers and body."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode().splitlines()
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await asyncio.wait_for(reader.readexactly(int(headers["content-length"])), 5)
    return int(head[0].split()[1]), headers, body


def test_a_refusal_comes_before_the_body_does_and_the_connection_goes_on() -> None:
    async def main() -> None:
        app, room = App(), Room(is_full=True)
        async with serving(app, room) as connect:
            reader, writer = await connect()
            writer.write(POST)
            status, headers, body = await answer(reader)
            assert (status, headers["retry-after"], headers["date"], body) == (503, "1", "today", REFUSED.body)
            room.is_full = False
            writer.write(BODY + GET)
            assert await answer(reader) == (200, {"date": "today", "content-length": "2"}, b"/b")
            assert [scope["path"] for scope in app.scopes] == ["/b"]
            writer.close()

    asyncio.run(main())


def test_requests_of_one_connection_are_answered_in_order() -> None:
    async def main() -> None:
        app, room = App(), Room()
        app.may_answer.clear()
        async with serving(app, room) as connect:
            reader, writer = await connect()
            writer.write(GET)
            await until(lambda: bool(app.scopes))
            room.is_full = True
            writer.write(POST + BODY + GET)
            await asyncio.sleep(0.02)
            app.may_answer.set()
            assert [(await answer(reader))[0] for _ in range(3)] == [200, 503, 503]
            writer.close()

    asyncio.run(main())


def test_several_in_one_turn_of_the_loop_each_know_of_those_before() -> None:
    class Cycle:
        scope: Scope = {}  # noqa: RUF012 - read only
        keep_alive = True

    async def main() -> None:
        room = Room()
        refusals = Refusals(room.refuse)
        protocol = type("Connection", (), {"loop": asyncio.get_running_loop()})
        assert not any(refusals.take(protocol, Cycle) for _ in range(3))
        await asyncio.sleep(0)
        assert not refusals.take(protocol, Cycle)
        assert room.others == [0, 1, 2, 0]

    asyncio.run(main())


def test_a_client_that_closes_its_connection_is_seen_to_be_gone() -> None:
    async def main() -> None:
        app, room = App(), Room()
        app.may_answer.clear()
        async with serving(app, room) as connect:
            _, writer = await connect()
            writer.write(POST + BODY)
            await until(lambda: bool(app.scopes))
            is_gone = app.scopes[0]["extensions"][GONE]
            assert not is_gone()
            writer.close()
            await until(is_gone)
            app.may_answer.set()

    asyncio.run(main())


def test_one_who_leaves_before_the_refusal_is_no_error() -> None:
    async def main() -> None:
        app, room = App(), Room(is_full=True)
        async with serving(app, room) as connect:
            _, leaving = await connect()
            leaving.write(GET)
            leaving.transport.abort()
            reader, writer = await connect()
            writer.write(GET)
            assert (await answer(reader))[0] == 503
            writer.close()

    asyncio.run(main())


def test_a_client_that_wants_its_connection_closed_is_answered_by_the_app() -> None:
    async def main() -> None:
        app, room = App(), Room(is_full=True)
        async with serving(app, room) as connect:
            reader, writer = await connect()
            writer.write(GET.replace(b"host", b"connection: close\r\nhost"))
            assert (await answer(reader))[1]["connection"] == "close"
            assert await reader.read() == b""
            assert room.others == [], "nothing is counted that is not refused"
            writer.close()

    asyncio.run(main())
