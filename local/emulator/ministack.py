"""Run MiniStack with the additions of this package: `python -m local.emulator.ministack PORT ROOT LOGS`.

ROOT is the folder of the slipway.yaml that tasks read, LOGS the folder of their logs.

MiniStack reads its settings from the environment at import, so they are set before this process starts, in
`local.environment.local_environment`. It listens only on loopback.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
from ministack.services import ecs

from local.emulator import (
    alarm_states,
    balancing,
    bounded_memory,
    cloudformation,
    cross_origin,
    embedded_metrics,
    function_folders,
    function_metrics,
    iam_wildcards,
    log_insights,
    log_streams,
    named_resources,
    route_paths,
    subscriptions,
    task_runs,
    trimmed_counts,
)
from local.emulator.containers import Containers, Engine

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[..., Any], Callable[..., Any]], Awaitable[None]]

HOST = "127.0.0.1"
_KEEP_ALIVE_SECONDS = 75
# The front door limits headers. Here, a smaller limit would apply or not by the packets that a request comes in.
_HEAD_BYTES = 256 * 1024


def over_tls(served: App) -> App:
    """Present each request as if it had arrived over TLS.

    Bucket policies, including that of CDK's asset bucket, refuse plain HTTP (`aws:SecureTransport`), and MiniStack
    enforces them. Loopback traffic does not leave the machine, so a certificate would protect nothing.
    """

    async def tls(scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] == "http":
            scope = {**scope, "scheme": "https"}
        await served(scope, receive, send)

    return tls


def main(port: int, root: Path, logs: Path) -> None:
    """Serve until the process is stopped."""
    cloudformation.install()
    bounded_memory.install()
    embedded_metrics.install()
    function_folders.install()
    function_metrics.install()
    trimmed_counts.install()
    cross_origin.install()
    iam_wildcards.install()
    route_paths.install()
    alarm_states.install()
    named_resources.install()
    log_insights.install()
    log_streams.install()
    subscriptions.install()
    task_runs.install()
    balancing.install()
    containers = Containers([sys.executable, "-m", "container"], Path.cwd(), root, logs)
    ecs._docker = Engine(containers)
    settings = Config()
    settings.bind = [f"{HOST}:{port}"]
    settings.h11_max_incomplete_size = _HEAD_BYTES
    settings.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    settings.keep_alive_max_requests = sys.maxsize  # a client may have sent the next request when a connection closes
    try:
        asyncio.run(serve(over_tls(app), settings))
    finally:
        containers.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
