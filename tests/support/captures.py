"""Captures, and a bucket of them in memory."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, BinaryIO

from slipway.errors import UnavailableError
from slipway.monitoring.captures.parsing import Capture, pack

HOUR = datetime(2026, 11, 21, 12, tzinfo=UTC)


def capture(
    number: int,
    *,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    at: datetime = HOUR,
    model: str = "tiny-price",
    version: int = 1,
) -> Capture:
    """One captured prediction."""
    return Capture(
        id=f"{model}.{version}.{int(at.timestamp()):08x}{number:016x}",
        model=model,
        version=version,
        time=int(at.timestamp() * 1000),
        request=f"r{number}",
        inputs=dict(inputs),
        outputs=dict(outputs),
    )


def prices(count: int, *, first: int = 0, minute: int = 0, **changed: Any) -> list[Capture]:
    """Captures of the regression of the tests, one a second."""
    at = HOUR + timedelta(minutes=minute)
    return [
        capture(
            number,
            inputs={"rooms": 1.0 + number % 3, "area": 20.0 + number},
            outputs={"value": float(number)},
            at=at + timedelta(seconds=number % 60),
            **changed,
        )
        for number in range(first, first + count)
    ]


class MemoryBucket:
    """An `ObjectBucket` in memory. ``read`` lists the keys that were read; writes fail when none of them is left."""

    def __init__(self) -> None:
        self.writes_left: int | None = None
        self.objects: dict[str, bytes] = {}
        self.read: list[str] = []
        self.listed = 0

    def put(self, key: str, content: bytes, *, content_type: str = "application/gzip") -> None:
        if self.writes_left is not None:
            if self.writes_left == 0:
                raise UnavailableError("the bucket of captures", "down")
            self.writes_left -= 1
        self.objects[key] = content

    def get(self, key: str) -> bytes | None:
        self.read.append(key)
        return self.objects.get(key)

    def open(self, key: str) -> BinaryIO | None:
        content = self.get(key)
        return None if content is None else BytesIO(content)

    def tagged(self, key: str) -> tuple[bytes, str] | None:
        content = self.get(key)
        return None if content is None else (content, str(hash(content)))

    def replace(self, key: str, content: bytes, tag: str | None) -> bool:
        found = self.tagged(key)
        if tag != (found and found[1]):
            return False
        self.put(key, content)
        return True

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        self.listed += 1
        return iter(sorted(key for key in self.objects if key.startswith(prefix) and key > after))

    def folders(self, prefix: str) -> Iterator[str]:
        found = {prefix + key[len(prefix) :].partition("/")[0] + "/" for key in self.keys(prefix)}
        return iter(sorted(found))

    def add(self, captures: Iterable[Capture]) -> list[str]:
        """Store captures as the function `capture` does, and return the keys."""
        files = pack(captures)
        self.objects |= files
        return list(files)

    def add_lines(self, key: str, lines: Iterable[str | dict[str, Any]]) -> None:
        """Store a file of the given lines."""
        texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        self.objects[key] = gzip.compress("".join(f"{text}\n" for text in texts).encode())
