"""What tests of a running embedded AWS share: its clients, and ports."""

import random
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import boto3

from local.environment.state import State

Aws = Callable[[str], Any]

ANSWER_SECONDS = 120.0
"""How long the API of a test waits: beside other tests, the first call of a function may take longer than 30 s."""

# Below the ports that the system gives to whoever asks for any: what is free now is still free when it is bound.
_FIRST_PORT, _LAST_PORT = 10_000, 32_000


def unused_port() -> int:
    """A port of loopback that nothing listens on."""
    while True:
        port = random.SystemRandom().randint(_FIRST_PORT, _LAST_PORT)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
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
