"""Registries for tests: their parts, checks that passed and failed, and a registry that fails in the middle."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.models.gates.rules import Check, GateResult
from slipway.models.registry.registry import Registry
from slipway.models.registry.stores import ObjectStore, VersionTable
from slipway.models.registry.versions import Origin

PASSED = Check((GateResult("package bytes", "small enough", passed=True, measured=1, allowed=2, by_how_much=1),))
FAILED = Check((GateResult("package bytes", "too large", passed=False, measured=3, allowed=2, by_how_much=1),))
ORIGIN = Origin(by="tester", git_commit="0" * 40)


@dataclass
class Clock:
    """A clock that runs, and that a test puts forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Parts:
    """What a registry is made of."""

    objects: ObjectStore
    table: VersionTable
    clock: Clock

    @property
    def registry(self) -> Registry:
        return Registry(self.objects, self.table, clock=self.clock)

    def stored(self, prefix: str = "") -> list[str]:
        return [stored.key for stored in self.objects.listing(prefix)]


class Flaky:
    """A registry whose calls fail as ``fails`` of the call's number says, not carried out or with the answer lost."""

    def __init__(self, parts: Parts, fails: Callable[[int], bool], error: BaseException, *, carried_out: bool) -> None:
        self.calls = 0
        self._fails, self._error, self._carried_out = fails, error, carried_out
        self.registry = Registry(self._spoilt(parts.objects), self._spoilt(parts.table), clock=parts.clock)

    def _spoilt(self, part: Any) -> Any:
        flaky = self

        class Spoilt:
            def __getattr__(self, name: str) -> Any:
                return lambda *args, **kwargs: flaky._call(getattr(part, name), *args, **kwargs)

        return Spoilt()

    def _call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        number, self.calls = self.calls, self.calls + 1
        if self._fails(number) and not self._carried_out:
            raise self._error
        answer = method(*args, **kwargs)
        if self._fails(number):
            raise self._error
        return answer


def spoil(parts: Parts, key: str, alter: Callable[[bytes], bytes] | None) -> None:
    """Replace an object by another, with its own checksum, or remove it."""
    content = b"".join(parts.objects.read(key))
    parts.objects.delete([key])
    if alter is not None:
        altered = alter(content)
        parts.objects.put(key, io.BytesIO(altered), sha256=hashlib.sha256(altered).hexdigest())
