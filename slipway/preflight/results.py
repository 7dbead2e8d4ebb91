"""The result of a check, and the worst of several."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Status(IntEnum):
    """How a check ended, the worst last."""

    FINE = 0
    WARNING = 1
    """The deploy works, and something will not be as expected."""
    UNKNOWN = 2
    """It could not be checked: no rights, no network, or the service is not there."""
    FAILS = 3
    """The deploy would fail."""


@dataclass(frozen=True, slots=True)
class Result:
    """One check: what was found; and unless that is fine, what would fail and how to mend it."""

    check: str
    status: Status
    found: str
    consequence: str = ""
    mend: str = ""


def worst(results: Iterable[Result]) -> Status:
    """The worst status, or FINE if there are no results."""
    return max((result.status for result in results), default=Status.FINE)


def unknown(check: str, reason: str) -> Result:
    """The result of a check that could not be made."""
    return Result(check, Status.UNKNOWN, f"could not check: {reason}")
