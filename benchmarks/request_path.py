"""Processor time of a light request through the app, without a server: where a slot's time goes beside its graph.

The same record goes through a bare FastAPI endpoint, through a slot's app with the inline runner, and through it with
the threads that it has in the container. Requests come one at a time, so each wakes a worker and the event loop.

    python -m benchmarks.request_path [--requests 2000]
"""

import argparse
import asyncio
import gc
import json
import os
import time
from collections.abc import Callable
from typing import Any

from benchmarks.bundles import REPOSITORY, machine
from benchmarks.serving_bare import make_bare_app
from container.app import make_slot
from container.settings import Settings
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import load_package
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.slot.app import slot_app

MODEL = "breast-cancer"
PACKAGE = REPOSITORY / "models" / MODEL / "1"
WARM_UP = 300


def apps() -> dict[str, Callable[..., Any]]:
    """The apps to compare, by name."""
    os.environ["PACKAGE"] = str(PACKAGE)
    slot = make_slot(Settings(MODEL, 1, root=REPOSITORY))
    inline = PredictionPipeline(slot.app.state.pipeline.models)
    return {
        "bare FastAPI": make_bare_app(),
        "inline runner": slot_app(inline, slot.housekeeping, slot.readiness),
        "threaded runner": slot.app,
    }


async def ask(app: Callable[..., Any], body: bytes) -> None:
    """One request, whose client stays."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200

    path, headers = f"/v1/models/{MODEL}/predict", [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b"", "root_path": ""}
    await app(scope, receive, send)


async def measure(app: Callable[..., Any], body: bytes, requests: int) -> float:
    """Microseconds of processor time a request, those of all threads."""
    for _ in range(WARM_UP):
        await ask(app, body)
    started = time.process_time()
    for _ in range(requests):
        await ask(app, body)
    return 1e6 * (time.process_time() - started) / requests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    requests = parser.parse_args().requests
    record = dict(sample_records(load_package(PACKAGE))[0])
    body = json.dumps({"inputs": [record]}).encode()
    print(machine())
    found = apps()
    gc.collect()
    gc.freeze()  # as the container's server does
    gc.set_threshold(20_000)
    for name, app in found.items():
        print(f"  {name:16} {asyncio.run(measure(app, body, requests)):8.0f} µs of processor a request")
    os._exit(0)  # the slot's threads serve an app that was never started


if __name__ == "__main__":
    main()
