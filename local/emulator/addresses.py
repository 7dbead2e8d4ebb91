"""Find free ports and addresses on loopback, and wait for servers to answer."""

import ipaddress
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from local.environment import settings
from local.environment.processes import Child, StartError
from slipway.errors import ConflictError

_READY_SECONDS = 30.0
_POLL_SECONDS = 0.1
_TASKS = ipaddress.IPv4Network("127.64.0.0/10")


@contextmanager
def held(port: int) -> Iterator[int]:
    """Hold a loopback port, any free one for 0; raises ConflictError if it is taken."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.HOST, port))
        except OSError as error:
            raise ConflictError(
                f"port {port} on {settings.HOST} cannot be used ({error.strerror}); choose another with --port"
            ) from error
        yield listener.getsockname()[1]


def unused_address(port: int) -> str:
    """A random loopback address whose ``port`` is free; two concurrent callers are unlikely to get the same one."""
    while True:
        address = str(_TASKS[secrets.randbelow(_TASKS.num_addresses)])
        with socket.socket() as listener, suppress(OSError):
            listener.bind((address, port))
            return address


def await_answer(address: str, child: Child) -> None:
    """Wait until an address answers with any status; raises StartError."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(address, timeout=_READY_SECONDS, trust_env=False)
        except httpx.TransportError:
            if not child.alive:
                raise StartError(f"the {child.name} did not start", Path(child.log)) from None
            time.sleep(_POLL_SECONDS)
        else:
            return
    raise StartError(f"the {child.name} does not answer at {address}", Path(child.log))
