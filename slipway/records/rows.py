"""The records of a file or a body, each with its place, and the refusals of those that cannot be read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.errors import FieldProblem, InputError

WHOLE = "(record)"
"""The field of a problem that concerns a whole record."""

RECORD_BYTES = 8 * 1024 * 1024
"""The limit of one record. A text of a million characters, the most that an API accepts, has four megabytes."""

_SHOWN_PROBLEMS = 10
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Position:
    """A record's number, and its first line in the file, both from 1; Parquet has no lines."""

    number: int
    line: int | None = None

    def __str__(self) -> str:
        return f"record {self.number}" + (f" (line {self.line})" if self.line else "")


@dataclass(frozen=True, slots=True)
class Row:
    """A record: its values by column. A missing value is None."""

    position: Position
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record was refused; ``malformed`` if its text cannot be parsed at all.

    ``ends`` if nothing after it was read, because nobody can tell where the next record begins.
    """

    position: Position
    problems: tuple[FieldProblem, ...]
    malformed: bool = False
    ends: bool = False

    @classmethod
    def of(
        cls, position: Position, message: str, *, field: str = WHOLE, malformed: bool = False, ends: bool = False
    ) -> "Refusal":
        return cls(position, (FieldProblem(field, message),), malformed, ends)

    @property
    def error(self) -> InputError:
        return InputError(self.problems)


Rows = Iterator[Row | Refusal]


@dataclass(frozen=True, slots=True)
class Records:
    """The records of an open file.

    ``columns`` is None for JSON Lines, where each record names its own. If ``is_text``, each value is a text to be read
    by its column's type (`slipway.records.cells`).
    """

    name: str
    columns: tuple[str, ...] | None
    is_text: bool
    rows: Rows


def placed(place: str, problems: Iterable[FieldProblem]) -> list[FieldProblem]:
    """The problems of a record with its place before each column."""
    return [FieldProblem(place if p.field == WHOLE else f"{place}, {p.field}", p.message) for p in problems]


def readable(records: Records) -> list[Row]:
    """Every record, where each must be readable; raises InputError with the first ten problems."""
    rows: list[Row] = []
    problems: list[FieldProblem] = []
    for row in records.rows:
        if isinstance(row, Row):
            rows.append(row)
            continue
        problems += placed(f"{records.name} {row.position}", row.problems)
        if len(problems) >= _SHOWN_PROBLEMS:
            break
    if problems:
        raise InputError(problems[:_SHOWN_PROBLEMS])
    return rows


def shown(value: object) -> str:
    """A value as it stands in a message: short, and writable on any terminal."""
    text = repr(value)
    text = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
    return text.encode("utf-8", "backslashreplace").decode()
