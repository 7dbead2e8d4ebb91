"""A profile: the counts of what was captured of one version in one period. Profiles add up to any window."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from itertools import zip_longest
from operator import add
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from slipway.config import VersionNumber
from slipway.config.validation import field_problems
from slipway.errors import InputError

Counts = Mapping[str, tuple[int, ...]]
Sums = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts of one version's captures in [start, start + minutes), over its baseline's bins.

    ``baseline`` is `bins_digest` of the bins: only profiles over the same bins add up. ``records`` counts distinct
    captures. ``counts`` has each column's count by cell, in the order of `Bins.cells`. ``sums`` has vectors that the
    steps of the monitor add up beside the counts (`Summing`), by name. ``source`` is a digest of the capture files.
    """

    model: str
    version: int
    start: datetime
    minutes: float
    baseline: str
    records: int
    counts: Counts
    sums: Sums = field(default_factory=dict)
    source: str = ""

    @property
    def end(self) -> datetime:
        """The end of the period, which is no longer part of it."""
        return self.start + timedelta(minutes=self.minutes)

    def __add__(self, other: "Profile") -> "Profile":
        """Add the counts; the period runs from the earlier start to the later end.

        Raises:
            InputError: the profiles are of different models, versions or bins.
        """
        if (self.model, self.version, self.baseline) != (other.model, other.version, other.baseline):
            mine, theirs = (f"{each.model} {each.version} ({each.baseline[:8]})" for each in (self, other))
            raise InputError.of("profiles", f"of {mine} and of {theirs} do not add up: they count into other bins")
        start, end = min(self.start, other.start), max(self.end, other.end)
        return Profile(
            model=self.model,
            version=self.version,
            start=start,
            minutes=_minutes(end - start),
            baseline=self.baseline,
            records=self.records + other.records,
            counts=added(self.counts, other.counts),
            sums=added(self.sums, other.sums),
        )


def _minutes(span: timedelta) -> float:
    """A span in minutes: a whole number wherever it is one."""
    minutes = span / timedelta(minutes=1)
    return int(minutes) if minutes.is_integer() else minutes


_Number = TypeVar("_Number", int, float)


def added(
    mine: Mapping[str, tuple[_Number, ...]], others: Mapping[str, tuple[_Number, ...]]
) -> dict[str, tuple[_Number, ...]]:
    """The sums of two sets of vectors, by name; what one lacks counts as zeros."""
    names = dict.fromkeys([*mine, *others])
    return {
        name: tuple(a + b for a, b in zip_longest(mine.get(name, ()), others.get(name, ()), fillvalue=0))
        for name in names
    }


def total(profiles: Iterable[Profile]) -> Profile | None:
    """The sum of profiles, or None of none; raises InputError as adding does."""
    found = list(profiles)
    return reduce(add, found) if found else None


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore")

    format: Literal[1] = 1
    model: str
    version: VersionNumber
    start: AwareDatetime
    minutes: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0)]
    baseline: str
    records: Annotated[int, Field(ge=0)]
    counts: dict[str, tuple[int, ...]]
    sums: dict[str, tuple[float, ...]] = {}
    source: str = ""


def dump_profile(profile: Profile) -> str:
    """Serialize to JSON."""
    names = (name for name in _Document.model_fields if name != "format")
    return _Document(**{name: getattr(profile, name) for name in names}).model_dump_json()


def load_profile(text: str | bytes, name: str = "profile") -> Profile:
    """Parse the output of `dump_profile`; raises InputError that names ``name`` for anything else."""
    try:
        found = _Document.model_validate_json(text)
    except ValidationError as error:
        problems = "; ".join(f"{problem.field}: {problem.message}" for problem in field_problems(error))
        raise InputError.of(name, f"is not a profile: {problems}") from error
    return Profile(**{key: getattr(found, key) for key in _Document.model_fields if key != "format"})
