"""Run a server's process and load it with wrk."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.bundles import REPOSITORY
from slipway.models.package import Package

_SCRIPT = Path(__file__).with_name("serving.lua")
_TIMEOUT_SECONDS = 60


def need_wrk() -> None:
    """Exit with instructions if wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: `apt-get install wrk`, or see https://github.com/wg/wrk")


def container_command() -> list[str]:
    return [sys.executable, "-m", "container"]


class Server:
    """A server of one version on a free loopback port, which runs within its context."""

    def __init__(self, command: Sequence[str], root: Path, package: Package) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self._port = port
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._environment = {
            "SLIPWAY_ROOT": str(root),
            "SLIPWAY_MODEL": package.manifest.name,
            "SLIPWAY_VERSION": str(package.manifest.version),
            "SLIPWAY_DRAIN_SECONDS": "0",
            "PYTHONPATH": str(REPOSITORY),
            "PORT": str(port),
        }
        self.seconds_to_ready = 0.0

    def __enter__(self) -> Self:
        started = time.perf_counter()
        self._process = subprocess.Popen(
            list(self._command), env={**os.environ, **self._environment}, stdout=subprocess.DEVNULL
        )
        while not self._is_ready():
            if self._process.poll() is not None:
                raise SystemExit(f"{' '.join(self._command)} ended with {self._process.returncode}")
            time.sleep(0.01)
        self.seconds_to_ready = time.perf_counter() - started
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(60)

    def rss_megabytes(self) -> float:
        """The resident memory of the process in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024

    def processor_seconds(self) -> float:
        """The processor time that the server and its workers have used."""
        own = psutil.Process(self._process.pid)
        used = [process.cpu_times() for process in (own, *own.children(recursive=True))]
        return sum(times.user + times.system for times in used)

    def _is_ready(self) -> bool:
        """Poll with http.client: httpx would take most of a processor while the server tunes itself."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/v2/health/ready")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@dataclass(frozen=True)
class Load:
    """The results of wrk. ``latencies`` has the number of samples by microseconds, including refusals.

    ``processor_seconds`` are those of the server and its workers.
    """

    accepted: int
    refused: int
    seconds: float
    latencies: Mapping[int, int]
    processor_seconds: float

    @property
    def processor_ms(self) -> float:
        """The processor time of the server for an accepted request, in milliseconds."""
        return 1000 * self.processor_seconds / max(1, self.accepted)

    @property
    def accepted_per_second(self) -> float:
        return self.accepted / self.seconds

    @property
    def refused_per_second(self) -> float:
        return self.refused / self.seconds

    def percentile(self, percent: float) -> float:
        """A percentile of the latencies in milliseconds."""
        return self.percentile_of_slowest(percent, sum(self.latencies.values()))

    def percentile_of_slowest(self, percent: float, count: int) -> float:
        """A percentile of the ``count`` slowest responses in milliseconds."""
        above = count * (1 - percent / 100)
        for microseconds in sorted(self.latencies, reverse=True):
            above -= self.latencies[microseconds]
            if above <= 0:
                return microseconds / 1000
        return 0.0

    def described(self) -> str:
        median, tail = self.percentile(50), self.percentile(99)
        rates = f"{self.accepted_per_second:8.1f} accepted/s, {self.refused_per_second:.1f} refused/s"
        return f"{rates}, {self.processor_ms:.2f} ms of processor each, p50 {median:.2f} ms, p99 {tail:.2f} ms"


def drive(server: Server, path: str, bodies: Path, clients: int, seconds: int, *, pause_ms: float = 0.0) -> Load:
    """Send the bodies in turn from ``clients`` connections that pause for ``pause_ms`` on average between requests."""
    command = ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s"]
    command += ["--timeout", f"{_TIMEOUT_SECONDS}s", "--script", str(_SCRIPT), f"{server.url}{path}", "--"]
    before = server.processor_seconds()
    found = subprocess.run([*command, str(bodies), str(pause_ms)], check=True, capture_output=True, text=True)
    used = server.processor_seconds() - before
    lines = [line.split()[1:] for line in found.stdout.splitlines() if line[:1] in "@="]
    accepted, refused, failed, lost, microseconds, requests = map(int, lines[0])
    if failed or lost:
        raise SystemExit(f"{failed} requests failed, and {lost} were lost")
    seen = {int(value): int(times) for value, times in lines[1:]}
    interval = microseconds // max(1, requests // clients)
    return Load(accepted, refused, microseconds / 1e6, uncorrected(seen, interval), used)


def uncorrected(seen: Mapping[int, int], interval: int) -> dict[int, int]:
    """The latencies without the samples that wrk's `stats_correct` added.

    For each latency of at least twice the mean interval between a client's requests, it adds a sample shorter by one
    interval, one shorter by two, and so on while they exceed the interval.
    """
    counts = Counter(seen)
    for latency in sorted(seen, reverse=True):
        count = counts[latency]
        if latency < 2 * interval or count <= 0:
            continue
        for added in range(latency - interval, interval, -interval):
            counts[added] -= count
    return {latency: count for latency, count in counts.items() if count > 0}
