"""Many clients at once: each thinks, asks one of the models, and keeps what came of it."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from support.embedded import ANSWER_SECONDS

Record = dict[str, Any]
TIMEOUT_SECONDS = ANSWER_SECONDS + 5


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a model: a prediction of one record, or a ranking of several by the score of the label ``by``.

    ``reward`` is what an answer by a version is worth, if that is told as feedback; of a ranking, what deserves the
    most is clicked.
    """

    model: str
    records: tuple[Record, ...]
    reward: Callable[[int], float] | None = None
    by: str | None = None

    @property
    def path(self) -> str:
        """Where it is asked."""
        return f"/v1/models/{self.model}/{'rank' if self.by else 'predict'}"

    @property
    def body(self) -> dict[str, Any]:
        """How it is put."""
        return {"items": self.records, "by": self.by} if self.by else {"inputs": self.records}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one question: the status, 0 where no answer came, and who answered. Times are of `time.time`.

    A ranking is answered by all versions that have an item in it: ``version`` is the highest of them.
    """

    question: Question
    sent: float
    came: float
    status: int
    version: int | None = None
    said: str = ""


class Crowd:
    """``clients`` that go on until `stop`, in a thread of their own.

    Args:
        url: the API's address.
        clients: how many.
        think_seconds: the mean of what each waits between two questions.
        ask: makes the next question.
    """

    def __init__(self, url: str, clients: int, think_seconds: float, ask: Callable[[random.Random], Question]) -> None:
        self.replies: list[Reply] = []
        self.refused_feedback: list[str] = []
        self._url = url
        self._clients = clients
        self._think_seconds = think_seconds
        self._ask = ask
        self._stopped = threading.Event()
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="crowd")

    def start(self) -> None:
        """Let them begin."""
        self._thread.start()

    def stop(self) -> None:
        """End when the answers under way have come; raises what went wrong in a client."""
        self._stopped.set()
        self._thread.join()
        for error in self._errors:
            raise error

    def versions(self, model: str, since: float = 0.0) -> Counter[int]:
        """How many questions to a model, asked since a time, each version has answered."""
        found = (reply for reply in self.about(model) if reply.sent >= since)
        return Counter(reply.version for reply in found if reply.version is not None)

    def about(self, model: str) -> list[Reply]:
        """What came of the questions to a model, in the order of the answers."""
        return [reply for reply in tuple(self.replies) if reply.question.model == model]

    def _run(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:  # noqa: BLE001 - raised again by `stop`, in the test's own thread
            self._errors.append(error)

    async def _all(self) -> None:
        limits = httpx.Limits(max_connections=self._clients, max_keepalive_connections=self._clients)
        async with httpx.AsyncClient(base_url=self._url, timeout=TIMEOUT_SECONDS, limits=limits) as client:
            await asyncio.gather(*(self._one(client, seeded(number)) for number in range(self._clients)))

    async def _one(self, client: httpx.AsyncClient, chance: random.Random) -> None:
        while not self._stopped.is_set():
            await asyncio.sleep(chance.expovariate(1 / self._think_seconds))
            question = self._ask(chance)
            reply, prediction = await self._question(client, question)
            self.replies.append(reply)
            if question.reward is not None and reply.version is not None:
                await self._reward(client, prediction, question.reward(reply.version))

    async def _question(self, client: httpx.AsyncClient, question: Question) -> tuple[Reply, str]:
        sent = time.time()
        try:
            answer = await client.post(question.path, json=question.body)
        except httpx.TransportError as error:
            return Reply(question, sent, time.time(), 0, said=repr(error)), ""
        if answer.status_code != 200:
            return Reply(question, sent, time.time(), answer.status_code, said=answer.text), ""
        body = answer.json()
        made: Mapping[str, Any] = max(body.get("items") or body["predictions"], key=lambda each: each["version"])
        return Reply(question, sent, time.time(), 200, made["version"]), made["id"]

    async def _reward(self, client: httpx.AsyncClient, prediction: str, reward: float) -> None:
        body = {"prediction_id": prediction, "reward": reward}
        try:
            answer = await client.post("/v1/feedback", json=body)
        except httpx.TransportError as error:
            self.refused_feedback.append(repr(error))
            return
        if answer.status_code != 201:
            self.refused_feedback.append(answer.text)


def seeded(seed: int) -> random.Random:
    """A source of chance of its own for each client, the same in every run."""
    return random.Random(seed)  # noqa: S311 - nothing is secret about what a client asks


def summary(replies: Sequence[Reply]) -> str:
    """How many a second, and how long they took, for who reads the test's output."""
    if not replies:
        return "no replies"
    seconds = max(reply.came for reply in replies) - min(reply.sent for reply in replies)
    took = sorted(1000 * (reply.came - reply.sent) for reply in replies)
    quantiles = ", ".join(f"p{q} {took[len(took) * q // 100]:.0f} ms" for q in (50, 95, 99))
    return f"{len(replies)} requests, {len(replies) / seconds:.1f} a second, {quantiles}, longest {took[-1]:.0f} ms"
