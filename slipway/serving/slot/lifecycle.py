"""The life of a slot's app: housekeeping while it lives, and no request lost when it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.serving.apis.health import Readiness
from slipway.serving.batching.threaded import ThreadedRunner
from slipway.serving.slot.forwarding import Forwarding
from slipway.serving.slot.releases import SlotReleases

_TICK_SECONDS = 0.1
_TICKS_PER_FLUSH = 10
_GPU_EVERY = 10
_CLOSING = (b"connection", b"close")


@dataclass(frozen=True)
class Housekeeping:
    """Looks after a slot as long as its app lives; its `lifespan` is the app's.

    Args:
        runner: is ticked some times a second, and drained at the end.
        telemetry: is written each second, and at the end.
        releases: are read again when they are old.
        forwarding: is closed at the end, where there is one.
        gpu: tells how busy the GPUs are, where there are some; it may take a while.
    """

    runner: ThreadedRunner
    telemetry: BufferedTelemetry
    releases: SlotReleases | None = None
    forwarding: Forwarding | None = None
    gpu: Callable[[], float | None] | None = None

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:  # noqa: ARG002 - ASGI's signature
        """Keep house until the app ends; then answer what waits, and write what is left."""
        keeping_house = asyncio.create_task(self._keep_house())
        yield
        keeping_house.cancel()
        await self.runner.drain()
        if self.forwarding is not None:
            await self.forwarding.close()
        await asyncio.to_thread(self.runner.close)
        self.runner.tick()
        self.telemetry.write(self.telemetry.drain())

    def tick(self) -> None:
        """Some times a second."""
        self.runner.tick()
        self.telemetry.fold()
        if self.releases is not None and self.releases.claim_refresh():
            self.runner.submit(self.releases.refresh)

    async def _keep_house(self) -> None:
        """A log that blocks holds up a thread of its own, and no request."""
        for second in count(1):
            for _ in range(_TICKS_PER_FLUSH):
                await asyncio.sleep(_TICK_SECONDS)
                self.tick()
            if self.gpu is not None and second % _GPU_EVERY == 0:
                percent = await asyncio.to_thread(self.gpu)
                if percent is not None:
                    self.telemetry.observe(metrics.GPU_UTILIZATION, percent)
            await asyncio.to_thread(self.telemetry.write, self.telemetry.drain())


class CloseConnections:
    """ASGI middleware: once the process stops, each answer asks the client to open its next connection elsewhere."""

    def __init__(self, app: ASGIApp, readiness: Readiness) -> None:
        self._app = app
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stopping = scope["type"] == "http" and not self._readiness.is_ready
        await self._app(scope, receive, _closing(send) if stopping else send)


def _closing(send: Send) -> Send:
    async def send_closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], _CLOSING]}
        await send(message)

    return send_closing
