"""Every error that Slipway raises on purpose.

SlipwayError
├── ConfigError            slipway.yaml cannot be used
├── PackageError           a model package is missing, altered or malformed
│   └── GoldenError        ... or answers its golden records otherwise than it should
├── InputError             the caller's input is wrong, field by field
│   ├── MalformedError     ... because it cannot be parsed
│   └── TooLargeError      ... because it exceeds a limit
├── NotFoundError          the caller named something that does not exist
├── ConflictError          the caller's write contradicts what is stored
│   ├── LateEventError     ... because a newer event is stored already
│   └── StaleError         ... because another writer changed it after it was read
├── ThrottledError         the caller has used up its share of a full queue
├── UnavailableError       a table or service that the call needs is down
│   ├── OverloadedError    ... or its queue is full
│   ├── TriedInVainError   ... or was throttled until the retries were exhausted
│   ├── ExpiredError       ... or did not reach the call before its deadline
│   └── NotLoadedError     ... or is a deployed version that cannot be loaded
├── PredictionError        the model itself failed on valid input
├── CheckFailedError       a model does not match its reference or meet its threshold
├── TrainingError          the user's recipe failed
└── MissingExtraError      an optional dependency that the call needs is not installed

None of them knows a transport: each edge (HTTP, command line) translates them once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# The least likeness of a name that is suggested for a mistyped one: one letter of four may differ.
_LIKE = 0.75


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with one field, e.g. ``inputs[3].text``."""

    field: str
    message: str


class SlipwayError(Exception):
    """The base class: catch it to catch every error that Slipway raises on purpose."""


class ConfigError(SlipwayError):
    """slipway.yaml cannot be used; each problem names the path of a value in it."""

    def __init__(self, source: Path | str, problems: Iterable[FieldProblem]) -> None:
        self.source = str(source)
        self.problems = tuple(problems)
        super().__init__(self._text())

    def _text(self) -> str:
        match self.problems:
            case (FieldProblem(field="(file)", message=message),):
                return f"{self.source}: {message}"
            case _:
                lines = "\n".join(f"  {problem.field}: {problem.message}" for problem in self.problems)
                return f"{self.source} is not valid:\n{lines}"


class PackageError(SlipwayError):
    """A model package cannot be trusted or read; ``file`` is the faulty file."""

    def __init__(self, file: Path | str, message: str) -> None:
        self.file = str(file)
        super().__init__(f"{self.file}: {message}")


class GoldenError(PackageError):
    """A loaded version does not give the answers that its golden records expect, so nothing it answers can be trusted.

    ``brief`` leaves out the record itself, which callers of the API need not be allowed to read.
    """

    def __init__(self, file: Path | str, *, brief: str, record: str | None = None) -> None:
        self.brief = brief
        self.record = record
        super().__init__(file, brief if record is None else f"{brief}; the record is {record}")


class InputError(SlipwayError):
    """The caller's input is wrong; none of it was processed."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in self.problems))

    @classmethod
    def of(cls, field: str, message: str) -> Self:
        return cls([FieldProblem(field, message)])


class MalformedError(InputError):
    """The caller's input cannot be parsed: it is not JSON, or does not match its headers."""


class TooLargeError(InputError):
    """The caller's input exceeds a limit of slipway.yaml or of DynamoDB."""


class NotFoundError(SlipwayError):
    """The caller named something that does not exist, ``within`` a place if given; ``known`` is what exists there."""

    def __init__(
        self, kind: str, name: str, known: Iterable[str] = (), *, within: str = "", way_out: str | None = None
    ) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        hint = f"; there is {', '.join(self.known)}" if self.known else ""
        place = f" in {within}" if within else ""
        end = f"; {way_out}" if way_out else ""
        super().__init__(f"no {kind} {name!r}{place}{near_name(name, self.known)}{hint}{end}")


def near_name(name: str, known: Iterable[str]) -> str:
    """`` (did you mean 'b'?)`` for the known name that is most like a mistyped one, else nothing."""
    from difflib import get_close_matches  # only a mistake needs it

    near = get_close_matches(name, list(known), n=1, cutoff=_LIKE)
    return f" (did you mean {near[0]!r}?)" if near else ""


class ConflictError(SlipwayError):
    """The caller's write contradicts the stored value, which is unchanged."""


class LateEventError(ConflictError):
    """A feature write was refused because its event time is older than the stored one."""


class StaleError(ConflictError):
    """Another writer changed the record after it was read; nothing was written."""


class ThrottledError(SlipwayError):
    """The queue is full, others wait, and the caller holds its share of it; these records were not processed."""

    def __init__(self, dependency: str) -> None:
        self.dependency = dependency
        super().__init__(f"{dependency} has a full queue, and this caller holds its share of it")


class UnavailableError(SlipwayError):
    """A dependency that the call needs cannot be reached; the same call may work later."""

    def __init__(self, dependency: str, reason: str) -> None:
        self.dependency = dependency
        self.reason = reason
        super().__init__(f"{dependency} is unavailable: {reason}")


class OverloadedError(UnavailableError):
    """The queue is full; these records were not processed."""

    def __init__(self, dependency: str) -> None:
        super().__init__(dependency, "its queue is full")


class ExpiredError(UnavailableError):
    """The request's deadline passed while its records were queued; they were not predicted."""

    def __init__(self, dependency: str) -> None:
        super().__init__(dependency, "the request's deadline passed while it was queued")


class TriedInVainError(UnavailableError):
    """A dependency was throttled or failed until the retries were exhausted."""


class NotLoadedError(UnavailableError):
    """A deployed version cannot be loaded, and the others serve; callers may read ``reason``."""

    def __init__(self, model: str, version: int, reason: str) -> None:
        super().__init__(f"version {version} of {model}", f"it cannot be loaded: {reason}")
        self.model = model
        self.version = version
        self.reason = reason


class PredictionError(SlipwayError):
    """A version's graph failed on input that its schema allows, so the version is at fault."""


class CheckFailedError(SlipwayError):
    """A model does not match its reference or meet its threshold; nothing was written."""


class TrainingError(SlipwayError):
    """The user's recipe raised an error, or left no package; nothing was registered."""


class MissingExtraError(SlipwayError):
    """A module that the call needs is not installed; Slipway's extra ``extra`` provides it."""

    def __init__(self, module: str, extra: str) -> None:
        self.module = module
        self.extra = extra
        super().__init__(f"{module} is not installed; run `pip install 'slipway[{extra}]'`")
