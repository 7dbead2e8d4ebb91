"""What tests of a running embedded AWS share: its clients, and ports."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import boto3

from local.environment.state import State

Aws = Callable[[str], Any]


def unused_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def clients(running: State) -> Iterator[Aws]:
    """Makes boto3 clients of the embedded AWS, as its administrator."""
    with ExitStack() as stack:

        def client(service: str) -> Any:
            keys = running.credentials
            made = boto3.client(
                service,
                endpoint_url=running.emulator,
                region_name=running.region,
                aws_access_key_id=keys.access_key_id,
                aws_secret_access_key=keys.secret_access_key,
            )
            return stack.enter_context(closing(made))

        yield client
