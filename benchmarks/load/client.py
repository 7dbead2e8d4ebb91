"""The client process: sends each request when it is due, whatever has become of the earlier ones.

`python -m benchmarks.load.client PLAN`, where PLAN is a JSON file of `Plan`. It writes one outcome a line to the plan's
``outcomes``, when it comes. A latency counts from the time at which the request was due: what waits for a connection,
or for this process, waits for the service. So a stall shows in every request that fell into it.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, TextIO

import httpcore

from benchmarks.load.outcomes import NO_ANSWER, Outcome
from benchmarks.load.requests import Ask, Predictions, every_airport
from benchmarks.load.schedule import Arrival, arrivals, seeded
from benchmarks.load.traffic import KINDS

# Longer than the front door waits for an answer.
TIMEOUT_SECONDS = 40.0
# Less than the front door keeps idle connections, so that it closes none that a request is just being sent to.
_IDLE_SECONDS = 60.0
_SAID_CHARACTERS = 300
# As many as the front door lets through at a time, so that every process of a function has started before.
_WARM_UP_CLIENTS = 8
_WARM_UP_ROUNDS = 2
_WARM_UP_TRIES = 10

LOST = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
"""What is raised when there is no answer."""
Send = Callable[[Ask], Awaitable[httpcore.Response]]


@dataclass(frozen=True)
class Plan:
    """What to send where. ``start`` gets the time of the first arrival's zero when the warm-up is over."""

    api: str
    rate: float
    seconds: float
    seed: int
    clients: int
    outcomes: str
    start: str

    @classmethod
    def read(cls, file: Path) -> "Plan":
        """Read the plan that the parent has written."""
        return cls(**json.loads(file.read_text(encoding="utf-8")))

    def write(self, file: Path) -> None:
        """Write it for `read`."""
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")


class Client:
    """Sends requests of every kind, and writes what becomes of them."""

    def __init__(self, send: Send, output: TextIO) -> None:
        self._send = send
        self._output = output
        self._predictions = Predictions()

    async def warm_up(self) -> None:
        """Send requests of each kind, many at a time, until some rounds in a row are answered as they should be.

        The first calls of so many functions at once may take longer than the front door waits.
        """
        for ask in every_airport():
            await self._send(ask)
        right = 0
        for number in range(_WARM_UP_TRIES):
            right = right + 1 if await self._warm_up_round(number) else 0
            if right == _WARM_UP_ROUNDS:
                return
        raise SystemExit(f"requests still fail after {_WARM_UP_TRIES} rounds of warming up")

    async def _warm_up_round(self, number: int) -> bool:
        found: list[Outcome] = []
        for kind in KINDS:
            seeds = range(number * _WARM_UP_CLIENTS, (number + 1) * _WARM_UP_CLIENTS)
            found += await asyncio.gather(*(self._outcome(Arrival(0.0, kind, each), time.time()) for each in seeds))
        return all(each.expected for each in found)

    async def request(self, arrival: Arrival, due: float) -> None:
        """Send one request that was due at a time, and write its outcome."""
        outcome = await self._outcome(arrival, due)
        self._output.write(json.dumps(asdict(outcome)) + "\n")

    async def _outcome(self, arrival: Arrival, due: float) -> Outcome:
        ask = KINDS[arrival.kind].make(seeded(arrival.seed), self._predictions)
        try:
            answer = await self._send(ask)
        except LOST as error:
            return Outcome(arrival.kind, due, time.time() - due, NO_ANSWER, expected=False, said=repr(error))
        took, expected = time.time() - due, answer.status in ask.right
        if not expected:
            said = answer.content.decode(errors="replace")[:_SAID_CHARACTERS]
            return Outcome(arrival.kind, due, took, answer.status, expected=False, said=f"{ask.path}: {said}")
        versions, cached = self._made(ask, answer)
        return Outcome(
            arrival.kind, due, took, answer.status, expected=True, versions=versions, cached=cached, key=ask.key
        )

    def _made(self, ask: Ask, answer: httpcore.Response) -> tuple[tuple[int, ...], int]:
        """The versions that made an answer's predictions, and how many came from the cache."""
        if answer.status != HTTPStatus.OK or not ask.path.endswith("/predict"):
            return (), 0
        made = json.loads(answer.content)["predictions"]
        self._predictions.note(made)
        return tuple(sorted({each["version"] for each in made})), sum(each["cached"] for each in made)


def sender(pool: httpcore.AsyncConnectionPool, api: str) -> Send:
    """Sends requests to an API through a pool of connections."""
    timeouts = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT_SECONDS)}

    async def send(ask: Ask) -> httpcore.Response:
        return await pool.request(
            ask.method, f"{api}{ask.path}", headers=list(ask.headers.items()), content=ask.body, extensions=timeouts
        )

    return send


async def run(plan: Plan, output: TextIO) -> None:
    """Warm up, then send everything when it is due, and wait for the last answers."""
    async with httpcore.AsyncConnectionPool(max_connections=plan.clients, keepalive_expiry=_IDLE_SECONDS) as pool:
        client = Client(sender(pool, plan.api), output)
        await client.warm_up()
        gc.freeze()  # so that no collection walks through the modules
        begun = time.time()
        _publish(Path(plan.start), begun)
        shares = {name: kind.share for name, kind in KINDS.items()}
        async with asyncio.TaskGroup() as group:
            for arrival in arrivals(shares, rate=plan.rate, seconds=plan.seconds, seed=plan.seed):
                await asyncio.sleep(max(0.0, begun + arrival.at - time.time()))
                group.create_task(client.request(arrival, begun + arrival.at))


def _publish(file: Path, begun: float) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(str(begun), encoding="utf-8")
    draft.rename(file)


def read_outcomes(file: Path) -> list[Outcome]:
    """The outcomes in a file that a client has written."""

    def outcome(line: str) -> Outcome:
        found: dict[str, Any] = json.loads(line)
        return Outcome(**{**found, "versions": tuple(found["versions"])})

    return [outcome(line) for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    given = Plan.read(Path(sys.argv[1]))
    with Path(given.outcomes).open("w", encoding="utf-8") as file:
        asyncio.run(run(given, file))
