"""The life of a server's app: it starts its housekeeping, says whether it is ready, and drains before it ends."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, Protocol

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.serving.http.exchange import Receive, Scope, Send
from slipway.serving.prediction.threaded import ConcurrentService

_LOOK_AFTER_SECONDS = 0.1
_FLUSH_EVERY = 10
_GPU_EVERY = 10
_CLOSING = (b"connection", b"close")


class App(Protocol):
    """An ASGI app."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Readiness:
    """Whether the process wants new requests."""

    def __init__(self) -> None:
        self.is_ready = True

    def end(self) -> None:
        """Say from now on that it does not; what comes is answered all the same."""
        self.is_ready = False


class Lifecycle:
    """An ASGI app around another that looks after a `ConcurrentService` as long as it lives.

    Args:
        app: what answers requests.
        service: is looked after, and drained at the end.
        telemetry: is written each second, and at the end.
        readiness: once it has ended, each answer asks the client to close its connection.
        gpu: tells how busy the GPUs are, where there are some; it may take a while.
    """

    def __init__(
        self,
        app: App,
        service: ConcurrentService,
        telemetry: BufferedTelemetry,
        readiness: Readiness,
        *,
        gpu: Callable[[], float | None] | None = None,
    ) -> None:
        self._app = app
        self._service = service
        self._telemetry = telemetry
        self._readiness = readiness
        self._gpu = gpu

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._readiness.is_ready:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, _closing(send))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        keeping_house = asyncio.create_task(self._keep_house())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        keeping_house.cancel()
        await self._service.drain()
        await asyncio.to_thread(self._service.close)
        self._service.look_after()
        self._telemetry.write(self._telemetry.drain())
        await send({"type": "lifespan.shutdown.complete"})

    async def _keep_house(self) -> None:
        """A log that blocks holds up a thread of its own, and no request."""
        for second in count(1):
            for _ in range(_FLUSH_EVERY):
                await asyncio.sleep(_LOOK_AFTER_SECONDS)
                self._service.look_after()
            if self._gpu is not None and second % _GPU_EVERY == 0:
                percent = await asyncio.to_thread(self._gpu)
                if percent is not None:
                    self._telemetry.observe(metrics.GPU_UTILIZATION, percent)
            await asyncio.to_thread(self._telemetry.write, self._telemetry.drain())


def _closing(send: Send) -> Send:
    """Adds `connection: close`, so that a client that keeps its connection opens the next one elsewhere."""

    async def send_closing(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], _CLOSING]}
        await send(message)

    return send_closing
