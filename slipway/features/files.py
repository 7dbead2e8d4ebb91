"""Read a feature file (CSV, JSONL or Parquet) as feature writes, one row at a time.

A row has a column named after its entity (`patient`), optionally `event_time`, and feature columns. A row may have
features of several groups; each group becomes a separate write. docs/features.md has the rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from slipway.config import FeatureConfig, FeatureType, FeatureValue
from slipway.errors import FieldProblem, InputError
from slipway.features.definitions import FeatureDefinitions, wrong_value
from slipway.features.event_times import read_moment
from slipway.features.store import FeatureKey, FeatureWrite
from slipway.records.cells import read_cells
from slipway.records.files import open_records
from slipway.records.rows import WHOLE, Position, Records, Refusal, shown

EVENT_TIME = "event_time"
FileRow = tuple[Position, FeatureWrite | InputError]
"""The row's position, and one of its writes or the reason that the row was refused."""

RawRow = Mapping[str, Any]
_COLUMN_SETS = 256  # cached; each line of JSONL may have other columns


def read_file(path: Path, definitions: FeatureDefinitions, now: datetime) -> Iterator[FileRow]:
    """Yield the writes of a file, reading it lazily.

    A row with several groups yields one write per group, under the same position. A refused row yields one error that
    names every problem by its column. ``now`` is the event time of rows without one.

    Raises:
        InputError: the whole file is unreadable: unknown format or columns, no header, no `pyarrow` for Parquet.
    """
    columns = _Columns(definitions)
    with open_records(path) as records:
        types = _types(columns, records)
        for row in records.rows:
            try:
                if isinstance(row, Refusal):
                    raise row.error
                values = read_cells(row.values, types) if records.is_text else row.values
                writes = _writes(values, columns, now)
            except InputError as error:
                yield row.position, error
            else:
                yield from ((row.position, write) for write in writes)


def count_rows(path: Path) -> int:
    """The number of rows in a file, refused ones included; raises as `read_file` does."""
    with open_records(path) as records:
        return sum(1 for _ in records.rows)


def _types(columns: "_Columns", records: Records) -> dict[str, FeatureType]:
    """The type of each feature column that the header names; raises InputError for an unknown column."""
    if records.columns is None:
        return {}
    return {name: column.definition.type for name, column in columns.of(records.columns).items()}


@dataclass(frozen=True, slots=True)
class _Column:
    group: str
    feature: str
    definition: FeatureConfig


class _Columns:
    """The meaning of a file's columns, cached because rows repeat them."""

    def __init__(self, definitions: FeatureDefinitions) -> None:
        self._definitions = definitions
        self._known: dict[tuple[str, ...], dict[str, _Column]] = {}
        self.entities = definitions.entities

    def of(self, names: tuple[str, ...]) -> dict[str, _Column]:
        """The feature of each column other than entities and the event time; raises InputError by column."""
        if names not in self._known:
            if len(self._known) >= _COLUMN_SETS:
                self._known.clear()
            self._known[names] = self._resolve(names)
        return self._known[names]

    def _resolve(self, names: tuple[str, ...]) -> dict[str, _Column]:
        entities = set(self.entities.values())
        present = {group: self._definitions.group(group) for group, owner in self.entities.items() if owner in names}
        if not present:
            raise InputError.of(
                "(columns)", f"one must be an entity: {', '.join(sorted(entities)) or 'slipway.yaml defines none'}"
            )
        columns: dict[str, _Column] = {}
        problems: list[FieldProblem] = []
        for name in names:
            if name in entities or name == EVENT_TIME:
                continue
            found = [
                _Column(group, feature, definition)
                for group, config in present.items()
                for feature, definition in config.features.items()
                if name in (feature, f"{group}.{feature}")
            ]
            if len(found) == 1:
                columns[name] = found[0]
            else:
                problems.append(FieldProblem(name, _unresolved(name, found, list(present))))
        problems += _shared(columns)
        if problems:
            raise InputError(problems)
        if not columns:
            raise InputError.of("(columns)", f"at least one must be a feature of {', '.join(present)}")
        return columns


def _unresolved(name: str, found: Sequence[_Column], groups: Sequence[str]) -> str:
    if not found:
        hint = "; its name begins or ends with a space" if name != name.strip() else ""
        return f"is not a feature of {', '.join(groups)}{hint}"
    return f"is a feature of several groups; name it {' or '.join(f'{c.group}.{c.feature}' for c in found)}"


def _shared(columns: Mapping[str, _Column]) -> list[FieldProblem]:
    """A problem for each column whose feature another column gives already: which of them would hold?"""
    first: dict[tuple[str, str], str] = {}
    return [
        FieldProblem(name, f"is the same feature as {before}; keep one of the two columns")
        for name, column in columns.items()
        if (before := first.setdefault((column.group, column.feature), name)) != name
    ]


def _writes(row: RawRow, columns: _Columns, now: datetime) -> list[FeatureWrite]:
    """The row's writes, one per group; raises InputError with every problem of the row."""
    problems: list[FieldProblem] = []
    groups: dict[str, dict[str, FeatureValue]] = {}
    for name, column in columns.of(tuple(row)).items():
        value = row[name]
        if value is None:
            continue
        message = wrong_value(column.definition, value)
        if message is not None:
            got = f" (got {shown(value)})" if isinstance(value, str) else ""
            problems.append(FieldProblem(name, message + got))
        groups.setdefault(column.group, {})[column.feature] = value
    keys = {group: _key(row, columns.entities[group], group, problems) for group in groups}
    event_time = _event_time(row.get(EVENT_TIME), now, problems)
    if not groups:
        problems.append(FieldProblem(WHOLE, "has no feature with a value"))
    if problems:
        raise InputError(dict.fromkeys(problems))
    return [FeatureWrite(keys[group], values, event_time) for group, values in groups.items()]


def _key(row: RawRow, entity: str, group: str, problems: list[FieldProblem]) -> FeatureKey:
    id = row.get(entity)
    if isinstance(id, int) and not isinstance(id, bool):
        id = str(id)
    if not isinstance(id, str) or not id:
        problems.append(FieldProblem(entity, "must be the id of the entity, a string"))
    return FeatureKey(entity, str(id), group)


def _event_time(value: object, now: datetime, problems: list[FieldProblem]) -> datetime:
    try:
        return now if value is None else read_moment(value)
    except ValueError as error:
        problems.append(FieldProblem(EVENT_TIME, str(error)))
        return now
