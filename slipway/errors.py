"""Every error that Slipway raises on purpose.

SlipwayError
├── ConfigError            slipway.yaml cannot be used
├── PackageError           a model package is missing, altered or malformed
├── InputError             what the caller sent is wrong, field by field
│   ├── MalformedError     ... because it cannot even be read
│   └── TooLargeError      ... because it exceeds a configured limit
├── NotFoundError          the caller named something that does not exist
├── ConflictError          the caller's write contradicts what is stored
│   ├── LateEventError     ... because a newer event is stored already
│   └── StaleError         ... because somebody else has changed it since it was read
├── UnavailableError       a table or service that the call needs is down
│   ├── OverloadedError    ... or has as much to do as it can take
│   └── ExpiredError       ... or did not come to the call before its deadline
├── PredictionError        the model itself failed on valid input
├── CheckFailedError       a model was compared with what it should equal or reach, and does not
└── MissingExtraError      an optional framework that the call needs is not installed

None of them knows a transport: each edge (HTTP, command line) translates once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with one field, e.g. ``inputs[3].text``."""

    field: str
    message: str


class SlipwayError(Exception):
    """The root: catch it to catch all that Slipway raises on purpose."""


class ConfigError(SlipwayError):
    """slipway.yaml cannot be used; each problem names the path of a value in it."""

    def __init__(self, source: Path | str, problems: Iterable[FieldProblem]) -> None:
        self.source = str(source)
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem.field}: {problem.message}" for problem in self.problems)
        super().__init__(f"{self.source} is not valid:\n{lines}")


class PackageError(SlipwayError):
    """A model package cannot be trusted or read; ``file`` is what is wrong in it."""

    def __init__(self, file: Path | str, message: str) -> None:
        self.file = str(file)
        super().__init__(f"{self.file}: {message}")


class InputError(SlipwayError):
    """What the caller sent is wrong; nothing was done with any of it."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in self.problems))

    @classmethod
    def of(cls, field: str, message: str) -> Self:
        return cls([FieldProblem(field, message)])


class MalformedError(InputError):
    """What the caller sent cannot be read: it is not JSON, or not of the form that its headers say."""


class TooLargeError(InputError):
    """What the caller sent exceeds a limit of slipway.yaml or of DynamoDB."""


class NotFoundError(SlipwayError):
    """The caller named something that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = ()) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        hint = f"; there is {', '.join(self.known)}" if self.known else ""
        super().__init__(f"no {kind} {name!r}{hint}")


class ConflictError(SlipwayError):
    """The caller's write contradicts what is stored; what is stored stays."""


class LateEventError(ConflictError):
    """A feature write is older than the stored event time and was refused."""


class StaleError(ConflictError):
    """A record was changed by somebody else since it was read; nothing was written."""


class UnavailableError(SlipwayError):
    """A dependency that the call needs cannot be reached; the same call may work later."""

    def __init__(self, dependency: str, reason: str) -> None:
        self.dependency = dependency
        super().__init__(f"{dependency} is unavailable: {reason}")


class OverloadedError(UnavailableError):
    """So many records wait already that more would only wait longer; nothing was done with these."""

    def __init__(self, dependency: str) -> None:
        super().__init__(dependency, "too many records wait already")


class ExpiredError(UnavailableError):
    """The deadline of the request passed while its records waited; they were not predicted."""

    def __init__(self, dependency: str) -> None:
        super().__init__(dependency, "the deadline of the request passed before its turn came")


class PredictionError(SlipwayError):
    """A version's graph failed on input that its schema allows: the version is at fault."""


class CheckFailedError(SlipwayError):
    """A model was compared with what it should equal or reach, and does not; nothing was written."""


class MissingExtraError(SlipwayError):
    """A framework that the call needs is not installed; ``extra`` of Slipway brings it."""

    def __init__(self, module: str, extra: str) -> None:
        self.module = module
        self.extra = extra
        super().__init__(f"{module} is not installed; pip install 'slipway[{extra}]' brings it")
