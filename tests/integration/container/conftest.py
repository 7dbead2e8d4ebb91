"""Real packages in a bundle, and the container's process over it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from support.packages import make_regression_package, make_text_package

from local.emulator.addresses import unused_address

CONFIG = """
project: demo
models:
  tiny-sentiment:
    tier: heavy
    versions: [1]
    stable: 1
    heavy: {cpu: 2, stop_timeout_seconds: 20, timeout_seconds: 5, queue: 8}
  tiny-price: {tier: heavy, versions: [1], stable: 1}
"""
REPOSITORY = Path(__file__).parents[3]
PORT = 8080
SECONDS = 120.0


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bundle")
    (root / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    make_text_package(root / "models/tiny-sentiment/1")
    make_text_package(root / "models/tiny-sentiment/2", version=2)
    make_regression_package(root / "models/tiny-price/1")
    return root


@dataclass
class Running:
    """A container's process."""

    process: subprocess.Popen[str]
    address: str
    output: list[str] = field(default_factory=list)

    def until_ready(self) -> None:
        self.until(200, "/v2/health/ready")

    def until(self, status: int, path: str) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, self.process.communicate()[0]
            try:
                if httpx.get(self.address + path).status_code == status:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{path} did not get {status}")

    def stop(self) -> str:
        """Ask it to stop, as an orchestrator does; gives what it wrote."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=SECONDS)[0]


Start = Callable[..., Running]


@pytest.fixture
def start(bundle: Path) -> Iterator[Start]:
    started: list[Running] = []

    def start(**environment: str) -> Running:
        # An address of its own: a port that is free now may be another process's once the container has started.
        host = unused_address(PORT)
        own = {
            "SLIPWAY_ROOT": str(bundle),
            "SLIPWAY_MODEL": "tiny-sentiment",
            "SLIPWAY_VERSION": "1",
            "SLIPWAY_SLOT": "green",
            "SLIPWAY_DRAIN_SECONDS": "0",
            "SLIPWAY_HOST": host,
            "PORT": str(PORT),
            "PYTHONPATH": str(REPOSITORY),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "container"],
            env={**os.environ, **own, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(Running(process, f"http://{host}:{PORT}"))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait(10)
        if running.process.stdout is not None:
            running.process.stdout.close()
