"""A file without an entity, and what was taken out of it."""

from dataclasses import dataclass, field
from typing import Any

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Split:
    """What is left of a file without an entity, and the lines that were taken out of it."""

    left: bytes
    taken: list[Line] = field(default_factory=list)


class UnreadableError(Exception):
    """A file is not what its folder says, or cannot be read on this machine."""
