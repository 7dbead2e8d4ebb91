"""Runs uvicorn with a graceful shutdown that loses no request."""

import asyncio
import gc
import socket
from types import FrameType

import uvicorn

from container.app import Slot
from container.settings import Settings

_STOP_RESERVE_SECONDS = 1.0
# Requests create hardly any reference cycles, and collecting every 700 objects takes a tenth of the loop's time.
_OBJECTS_UNTIL_COLLECTION = 20_000


class Server(uvicorn.Server):
    """On SIGTERM or SIGINT, reports not ready, keeps serving for a while, and then drains and exits.

    During that delay the load balancer stops sending requests, and answers ask clients to close their connections.
    """

    def __init__(self, slot: Slot, settings: Settings) -> None:
        # At most half of the stop timeout; the other half is for draining the requests that have arrived.
        self._delay = min(settings.drain_seconds, slot.heavy.stop_timeout_seconds / 2)
        super().__init__(_config(slot, settings, self._delay))
        self._readiness = slot.readiness
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Also keep the event loop for signal handling, and tune garbage collection to disturb the graphs least."""
        self._loop = asyncio.get_running_loop()
        gc.collect()
        gc.freeze()  # objects loaded at startup never become garbage
        gc.set_threshold(_OBJECTS_UNTIL_COLLECTION)
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Begin to stop. A second signal does not speed it up; the orchestrator has SIGKILL for that."""
        if self._loop is not None and self._readiness.is_ready:
            self._readiness.end()
            self._loop.call_soon_threadsafe(self._loop.call_later, self._delay, self._exit)

    def _exit(self) -> None:
        self.should_exit = True


def _config(slot: Slot, settings: Settings, delay: float) -> uvicorn.Config:
    return uvicorn.Config(
        slot.app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # The load balancer keeps idle connections for 60 seconds, and must be the side that closes them.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, int(slot.heavy.stop_timeout_seconds - delay - _STOP_RESERVE_SECONDS)),
    )
