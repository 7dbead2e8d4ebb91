"""The lifecycle of a slot's app: periodic work while it runs, and a shutdown that loses no request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.monitoring.feedback.key_ring import IdSigner
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
    """The periodic work of a slot while its app runs; `lifespan` is the app's lifespan.

    Args:
        runner: ticked several times a second, and drained at shutdown.
        telemetry: written each second and at shutdown.
        releases: refreshed when they are stale.
        forwarding: closed at shutdown, if given.
        gpu: returns the GPUs' utilization, if there are any; may block for a while.
        ids: refreshed when its keys are stale, so that no request waits for that.
    """

    runner: ThreadedRunner
    telemetry: BufferedTelemetry
    releases: SlotReleases | None = None
    forwarding: Forwarding | None = None
    gpu: Callable[[], float | None] | None = None
    ids: IdSigner | None = None

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:  # noqa: ARG002 - ASGI's signature
        """Run the periodic work until the app ends; then answer waiting requests, and write the last telemetry."""
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
        """Tick the runner, aggregate telemetry, refresh stale releases and keys; called several times a second."""
        self.runner.tick()
        self.telemetry.fold()
        if self.releases is not None and self.releases.claim_refresh():
            self.runner.submit(self.releases.refresh)
        if self.ids is not None and self.ids.claim_refresh():
            self.runner.submit(self.ids.refresh)

    async def _keep_house(self) -> None:
        """Tick and write telemetry until cancelled; writes run in a thread, so a slow log delays no request."""
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
    """ASGI middleware that asks clients to close their connections once the process is stopping."""

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
