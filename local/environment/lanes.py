"""The front door's connections to the emulator: one pool for the functions, and one for each heavy model.

A heavy model that hangs holds the connections of its own pool until the gateway's time is over, and delays no other.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpcore

# Each concurrent call takes its own process in the emulator. Further calls wait here, so that a burst does not start
# dozens of processes on a few processors.
CONCURRENCY = 8
_KEEP_ALIVE_SECONDS = 30.0
_MODEL = re.compile(r"/v[12]/models/([^/]+)")


def new_pool() -> httpcore.AsyncConnectionPool:
    """Create a pool of connections."""
    return httpcore.AsyncConnectionPool(max_connections=CONCURRENCY, keepalive_expiry=_KEEP_ALIVE_SECONDS)


class HeavyModels:
    """The names of the heavy models in a state file; a deploy may change them while the front door runs."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._read_at = 0
        self._names: frozenset[str] = frozenset()

    def __contains__(self, name: object) -> bool:
        with suppress(FileNotFoundError):  # somebody deleted it; `down` ends this process first
            self._refresh()
        return name in self._names

    def _refresh(self) -> None:
        changed = self._state.stat().st_mtime_ns
        if changed != self._read_at:
            self._names = frozenset(json.loads(self._state.read_text(encoding="utf-8"))["heavy_models"])
            self._read_at = changed


class Lanes:
    """The pool for each request."""

    def __init__(self, heavy: HeavyModels | frozenset[str], create: Callable[[], httpcore.AsyncConnectionPool]) -> None:
        self._heavy = heavy
        self._create = create
        self._functions = create()
        self._models: dict[str, httpcore.AsyncConnectionPool] = {}

    def of(self, path: str) -> httpcore.AsyncConnectionPool:
        """The pool for a decoded path of the API."""
        found = _MODEL.match(path)
        name = found[1] if found else ""
        if name not in self._heavy:
            return self._functions
        if name not in self._models:
            self._models[name] = self._create()
        return self._models[name]
