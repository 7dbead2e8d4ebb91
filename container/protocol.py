"""uvicorn's HTTP protocol, with what an ASGI app cannot do: refuse cheaply, and know whether a client is gone."""

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from slipway.serving.http.exchange import GONE, Answer, Refuse

_TOGETHER_SECONDS = 0.005

Header = tuple[bytes, bytes]
Refusal = tuple["Protocol", RequestResponseCycle, Answer]


class Refusals:
    """The requests that are refused, answered together: each wake of the loop takes a processor from a graph.

    Args:
        refuse: counts what it refuses.
    """

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse
        self._waiting: list[Refusal] = []
        self._begun = 0

    def take(self, protocol: "Protocol", cycle: RequestResponseCycle) -> bool:
        """Whether a request is refused; the app is left those that end their connection."""
        answer = self._refuse(cycle.scope, self._begun) if cycle.keep_alive else None
        if answer is None:
            if not self._begun:
                protocol.loop.call_soon(self._forget)
            self._begun += 1
            return False
        if not self._waiting:
            protocol.loop.call_later(_TOGETHER_SECONDS, self._send)
        self._waiting.append((protocol, cycle, answer))
        return True

    def _forget(self) -> None:
        """Those that were begun in this turn of the loop are where they wait by now."""
        self._begun = 0

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        made: dict[int, bytes] = {}
        for protocol, cycle, answer in waiting:
            text = made.get(id(answer))
            if text is None:
                text = made[id(answer)] = _written(answer, cycle.default_headers)
            protocol.complete(cycle, text)


class Protocol(HttpToolsProtocol):
    """One connection.

    Hundreds of refusals a second that go through tasks and ASGI's messages take the processors from the graphs, and so
    does a task beside each request that waits, to see its client leave.
    """

    def __init__(self, *given: Any, refusals: Refusals, **named: Any) -> None:
        super().__init__(*given, **named)
        self._refusals = refusals

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._extensions = {GONE: transport.is_closing}

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if not self._refusals.take(self, cycle):
            super()._start_asgi_task(cycle, app)

    def complete(self, cycle: RequestResponseCycle, text: bytes) -> None:
        """Send a whole answer, headers and all."""
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        self.transport.write(text)
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()


def _written(answer: Answer, default: Iterable[Header]) -> bytes:
    headers = (b"%b: %b\r\n" % header for header in (*default, *answer.raw_headers()))
    return b"".join([STATUS_LINE[answer.status], *headers, b"\r\n", answer.body])
