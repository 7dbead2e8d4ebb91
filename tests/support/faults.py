"""Faults on demand: a process that dies at a call, and services that refuse or answer too late."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slipway.errors import UnavailableError


class Killed(BaseException):
    """The process is gone: nothing catches this."""


@dataclass
class Faults:
    """Counts the calls of a world, and has one of them fail, before or after its effect."""

    at: int | None = None
    error: type[BaseException] = Killed
    after: bool = False
    calls: int = 0
    check: Callable[[], None] = lambda: None

    def around(self, call: Callable[..., Any], name: str, *args: Any, **named: Any) -> Any:
        self.calls += 1
        fails = self.calls == self.at
        if fails and not self.after:
            raise self._error(name)
        answer = call(*args, **named)
        self.check()
        if fails:
            raise self._error(name)
        return answer

    def _error(self, name: str) -> BaseException:
        return UnavailableError(name, "as the test wants") if self.error is UnavailableError else self.error(name)


class Faulty:
    """Something whose calls `Faults` counts."""

    def __init__(self, inner: Any, faults: Faults) -> None:
        self._inner, self._faults = inner, faults

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        return lambda *args, **named: self._faults.around(call, name, *args, **named)

    def __call__(self, *args: Any) -> Any:
        return self._faults.around(self._inner, "call", *args)
