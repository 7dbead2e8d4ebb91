"""Live latencies while a batch job runs in the embedded AWS, beside those without one, and the job's own rate.

    python -m benchmarks.batch_beside [--rows 1000000] [--rate 10] [--seconds 60] [--seed 1]

It starts an embedded AWS of its own with the project of this checkout, and asks `flight-delay` for single flights by
the API as a Poisson process of ``--rate`` a second: for ``--seconds`` alone, then while `slipway batch run` scores
``--rows`` flights in functions. A latency counts from the time at which a request was due. The job's rate is compared
with the raw loop over sessions on the same processors. All processes share these, in an account none of them do: the
figures say what the embedded AWS does on this machine.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httpcore

from benchmarks.batch import raw_loop, write_rows
from benchmarks.bundles import REPOSITORY, machine
from benchmarks.load.client import LOST, Send, sender
from benchmarks.load.embedding import embedded
from benchmarks.load.outcomes import NO_ANSWER, Outcome, figures
from benchmarks.load.requests import FLIGHTS, Ask, every_airport, flight, predict
from benchmarks.load.schedule import arrivals, seeded
from slipway.models.package import load_package

CONFIG = REPOSITORY / "slipway.yaml"
_VERSION = 2
_CONNECTIONS = 32
_ENOUGH_SECONDS = 3600.0


def main() -> None:
    """Measure both, and print them."""
    given = _parsed()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="slipway-beside-") as name:
        folder = Path(name)
        source = folder / "flights.parquet"
        package = load_package(REPOSITORY / "models" / FLIGHTS / str(_VERSION))
        write_rows(source, package, given.rows)
        loop = raw_loop(package, source, given.rows, os.cpu_count() or 1)
        with embedded(folder) as state:
            asyncio.run(beside(state.api, folder, source, given))
    print(f"the raw loop over sessions: {given.rows / loop.wall:,.0f} rows/s")
    print(machine())


async def beside(api: str, folder: Path, source: Path, given: argparse.Namespace) -> None:
    """Send requests alone, then until the job has ended."""
    async with httpcore.AsyncConnectionPool(max_connections=_CONNECTIONS) as pool:
        client = _Client(sender(pool, api), given.rate, given.seed)
        await client.warm_up()
        _print("alone", await client.until(lambda passed: passed >= given.seconds), given.seconds)
        begun = time.monotonic()
        job = _start(folder, source)
        try:
            found = await client.until(lambda _: job.poll() is not None)
            took = time.monotonic() - begun
        finally:
            job.kill()
    _print("beside the job", found, took)
    output = job.communicate()[0]
    print(output.strip().splitlines()[-1][:600])
    print(f"the job, with the start of its workers: {took:.1f} s, {given.rows / took:,.0f} rows/s")


class _Client:
    def __init__(self, send: Send, rate: float, seed: int) -> None:
        self._send, self._rate, self._seed = send, rate, seed

    async def warm_up(self) -> None:
        for ask in every_airport():
            await self._send(ask)
        for _ in range(3):
            await asyncio.gather(*(self._send(self._ask(seed)) for seed in range(8)))

    async def until(self, ended: Callable[[float], bool]) -> list[Outcome]:
        """Send each request when it is due until it has ended, and wait for the last answers."""
        found: list[Outcome] = []
        begun = time.time()
        async with asyncio.TaskGroup() as group:
            for each in arrivals({"flight": 1.0}, rate=self._rate, seconds=_ENOUGH_SECONDS, seed=self._seed):
                await asyncio.sleep(max(0.0, begun + each.at - time.time()))
                if ended(time.time() - begun):
                    break
                group.create_task(self._one(each.seed, begun + each.at, found))
        return found

    async def _one(self, seed: int, due: float, found: list[Outcome]) -> None:
        try:
            status = (await self._send(self._ask(seed))).status
        except LOST:
            status = NO_ANSWER
        found.append(Outcome("flight", due, time.time() - due, status, expected=status == HTTPStatus.OK))

    def _ask(self, seed: int) -> Ask:
        return predict(FLIGHTS, [flight(seeded(seed))])


def _start(folder: Path, source: Path) -> "subprocess.Popen[str]":
    command = [str(Path(sys.executable).with_name("slipway")), "batch", "run", FLIGHTS, str(source)]
    command += ["--version", str(_VERSION), "--json", "--config", str(CONFIG)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)


def _print(name: str, found: list[Outcome], seconds: float) -> None:
    made = figures(found, seconds)
    print(
        f"{name}: {made.requests} requests, p50 {made.p50:.0f} ms, p95 {made.p95:.0f} ms, p99 {made.p99:.0f} ms, "
        f"longest {made.longest:.0f} ms, unexpected {made.unexpected}",
        flush=True,
    )


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=10.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="of requests alone")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
