"""The requests on their way to each target, so that a task is not stopped before it has seen them.

A load balancer drains a target that leaves. Between the choice of a target and the connection to it, a busy machine may
let more time pass than a stopping process waits.
"""

import threading
from collections import Counter
from collections.abc import Callable

_lock = threading.Condition()
_requests: Counter[str] = Counter()


def claim(address: str, is_registered: Callable[[], bool]) -> bool:
    """Count a request to an address, unless its target has left in the meantime; `release` ends it."""
    with _lock:
        if not is_registered():
            return False
        _requests[address] += 1
        return True


def release(address: str) -> None:
    """End a request that was claimed."""
    with _lock:
        _requests[address] -= 1
        if not _requests[address]:
            del _requests[address]
            _lock.notify_all()


def await_none(address: str, seconds: float) -> bool:
    """Wait until no request is on its way to an address, and return whether that came about in time."""
    with _lock:
        return _lock.wait_for(lambda: address not in _requests, seconds)
