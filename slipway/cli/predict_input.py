"""The file of `slipway predict`: which of its columns the model takes, and how many of its records a call takes."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.config import FeatureType
from slipway.errors import FieldProblem, InputError, near_name
from slipway.models.missing_values import Column, file_record
from slipway.records.rows import Records, Row, placed, readable, shown
from slipway.wording import counted

_MOST_RECORDS = 128  # of any API; used where an API does not state its limits


@dataclass(frozen=True, slots=True)
class Described:
    """A version as the API describes it; without ``fields``, the API knows only that there is such a version."""

    name: str
    columns: Mapping[str, Column]
    fields: frozenset[str]
    most_records: int
    most_characters: float

    @classmethod
    def of(cls, model: str, described: Mapping[str, Any], version: int | None) -> "Described":
        """The version that a call names, else the stable one."""
        wanted = version or described.get("release", {}).get("stable")
        versions = described.get("versions", ())
        found: Mapping[str, Any] = next((each for each in versions if each["version"] == wanted), {})
        limits = described.get("limits", {})
        return cls(
            f"{model} {wanted}",
            {each["name"]: _column(each) for each in found.get("inputs", ())},
            frozenset(found.get("record_schema", {}).get("properties", ())),
            limits.get("records", _MOST_RECORDS),
            limits.get("characters", math.inf),
        )

    @property
    def types(self) -> dict[str, FeatureType]:
        """The type of each input."""
        return {name: column.type for name, column in self.columns.items()}


@dataclass(frozen=True, slots=True)
class Placed:
    """A record to send, and its place in the file."""

    record: dict[str, Any]
    place: str

    @property
    def characters(self) -> int:
        """The characters of text in the record."""
        return sum(len(value) for value in self.record.values() if isinstance(value, str))


def read_rows(file: Records) -> list[Row]:
    """The rows of a file; raises InputError that names the places of unreadable ones, or if there are none."""
    rows = readable(file)
    if not rows:
        raise InputError.of("--input", f"{file.name} has no records")
    return rows


def records_of(file: Records, rows: Sequence[Row], version: Described, ignored: Sequence[str]) -> list[Placed]:
    """The records of a file without its ``ignored`` columns.

    Raises:
        InputError: a column is not one that the version takes, or to be ignored and not there, or a value is no JSON.
    """
    columns = (
        tuple(dict.fromkeys(name for row in rows for name in row.values)) if file.columns is None else file.columns
    )
    _check_columns(file.name, columns, version, ignored)
    left_out = frozenset(ignored)
    return [
        Placed(
            _record({name: value for name, value in row.values.items() if name not in left_out}, file, row, version),
            f"{file.name} {row.position}",
        )
        for row in rows
    ]


def calls(records: Sequence[Placed], version: Described) -> Iterator[Sequence[Placed]]:
    """Split the records into as many calls as the limits of the API ask for."""
    begin, characters = 0, 0
    for end, record in enumerate(records):
        characters += record.characters
        if end > begin and (end - begin == version.most_records or characters > version.most_characters):
            yield records[begin:end]
            begin, characters = end, record.characters
    yield records[begin:]


def _column(field: Mapping[str, Any]) -> Column:
    return Column(FeatureType(field["type"]), bool(field.get("nullable")), "default" in field)


def _check_columns(file: str, columns: Sequence[str], version: Described, ignored: Sequence[str]) -> None:
    absent = [name for name in ignored if name not in columns]
    if absent:
        named = ", ".join(f"{shown(name)}{near_name(name, columns)}" for name in absent)
        raise InputError.of("--ignore", f"{file} has no column {named}")
    unknown = [name for name in columns if name not in version.fields and name not in ignored]
    if not version.fields or not unknown:
        return
    named = ", ".join(f"{name}{near_name(name, version.fields)}" for name in unknown)
    options = " ".join(f"--ignore {shlex.quote(name)}" for name in unknown)
    of = f"{counted(len(unknown), 'column')} that {version.name} does not take"
    raise InputError.of("--input", f"{file} has {of}: {named}; to leave out what is not meant to be sent: {options}")


def _record(values: Mapping[str, Any], file: Records, row: Row, version: Described) -> dict[str, Any]:
    """A record as JSON. A column without a value is null for a nullable input, and else an absent field."""
    if file.columns is not None:
        values = file_record(values, version.columns, is_text=file.is_text)
    values = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in values.items()}
    problems = [
        FieldProblem(name, f"must be a finite number, a text, true or false (got {shown(value)})")
        for name, value in values.items()
        if not _is_json(value) or (file.columns is not None and isinstance(value, list | dict))
    ]
    if problems:
        raise InputError(placed(f"{file.name} {row.position}", problems))
    return dict(values)


def _is_json(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int | list | dict)
