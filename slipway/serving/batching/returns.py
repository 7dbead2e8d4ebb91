"""The way back: what workers have answered goes to the event loop, which is woken as seldom as may be.

Waking it for each answer takes a processor, and what its caches hold, from a graph twice a record: once for the answer,
and once for the request that the client sends upon it.
"""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Returns(Generic[T]):
    """Results of futures, from any thread to the event loop, one and the same, that the futures are of."""

    def __init__(self) -> None:
        self._made: deque[tuple[asyncio.Future[T], T | BaseException]] = deque()
        self._is_woken = False

    def __len__(self) -> int:
        return len(self._made)

    def add(self, future: "asyncio.Future[T]", result: T | BaseException) -> None:
        """Keep a result, or the error instead of one, until it is given out."""
        self._made.append((future, result))

    def hand_over(self) -> None:
        """From any thread: let the loop give out what was added."""
        try:
            future, _ = self._made[0]
        except IndexError:
            return
        # Two threads may both find it asleep, and wake it twice. None may take it for awake when it has been through.
        if not self._is_woken:
            self._is_woken = True
            future.get_loop().call_soon_threadsafe(self.give_out)

    def give_out(self) -> None:
        """On the loop's thread: give out what was added."""
        self._is_woken = False
        while self._made:
            future, result = self._made.popleft()
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
