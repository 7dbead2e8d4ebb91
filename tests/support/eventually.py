"""Waiting for what comes soon."""

import asyncio
import time
from collections.abc import Callable


def settled(condition: Callable[[], bool], step: Callable[[], object], seconds: float = 120.0) -> None:
    """Take steps until a condition holds; an AssertionError if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        step()
        time.sleep(0.1)


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return as soon as a condition holds; an AssertionError if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        await asyncio.sleep(0.001)
