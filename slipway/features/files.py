"""Read a feature file (CSV, JSONL or Parquet) as feature writes, one row at a time.

A row has a column named after its entity (`patient`), optionally `event_time`, and feature columns. A row may have
features of several groups; each group becomes a separate write. docs/features.md has the rules.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from slipway.config import FeatureConfig, FeatureType, FeatureValue
from slipway.errors import FieldProblem, InputError
from slipway.features.definitions import ITEM_BYTES, FeatureDefinitions, wrong_value
from slipway.features.store import EPOCH, FeatureKey, FeatureWrite

EVENT_TIME = "event_time"
FileRow = tuple[int, FeatureWrite | InputError]
"""The row's number, and one of its writes or the reason that the row was refused."""

RawRow = Mapping[str, Any]
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_COLUMN_SETS = 256  # cached; each line of JSONL may have other columns
_LATEST_SECONDS = 32_503_680_000  # the year 3000; milliseconds mistaken for seconds are beyond it


def read_file(path: Path, definitions: FeatureDefinitions, now: datetime) -> Iterator[FileRow]:
    """Yield the writes of a file, reading it lazily.

    Rows are numbered from 1, without the header; empty lines are counted but skipped. A row with several groups yields
    one write per group, under the same number. A refused row yields one error that names every problem by its column.
    ``now`` is the event time of rows without one.

    Raises:
        InputError: the whole file is unreadable: unknown format or columns, not UTF-8, no `pyarrow` for Parquet.
    """
    columns = _Columns(definitions)
    for number, row in _raw_rows(path, columns):
        try:
            writes = _writes(row, columns, now) if not isinstance(row, InputError) else row
        except InputError as error:
            writes = error
        if isinstance(writes, InputError):
            yield number, writes
        else:
            yield from ((number, write) for write in writes)


def count_rows(path: Path) -> int:
    """The number of rows that `read_file` will yield; raises as it does."""
    if _format(path) == ".parquet":
        return int(_parquet(path).metadata.num_rows)
    if _format(path) == ".csv":
        return max(0, sum(1 for _ in _csv_lines(path)) - 1)
    return sum(1 for _ in _text_lines(path))


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
                problems.append(FieldProblem(name, _unresolved(found, list(present))))
        if problems:
            raise InputError(problems)
        if not columns:
            raise InputError.of("(columns)", f"at least one must be a feature of {', '.join(present)}")
        return columns


def _unresolved(found: Sequence[_Column], groups: Sequence[str]) -> str:
    if not found:
        return f"is not a feature of {', '.join(groups)}"
    return f"is a feature of several groups; name it {' or '.join(f'{c.group}.{c.feature}' for c in found)}"


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
            shown = f" (got {value[:40]!r})" if isinstance(value, str) else ""
            problems.append(FieldProblem(name, message + shown))
        groups.setdefault(column.group, {})[column.feature] = value
    keys = {group: _key(row, columns.entities[group], group, problems) for group in groups}
    event_time = _event_time(row.get(EVENT_TIME), now, problems)
    if not groups:
        problems.append(FieldProblem("(row)", "has no feature with a value"))
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
        return now if value is None else _moment(value)
    except ValueError as error:
        problems.append(FieldProblem(EVENT_TIME, str(error)))
        return now


def _moment(value: object) -> datetime:
    """Parse seconds since 1970 or ISO 8601 with a time zone; raises ValueError that names the expected form."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not (math.isfinite(value) and abs(value) <= _LATEST_SECONDS):
            raise ValueError(f"{value} is not a time in seconds since 1970")
        return EPOCH + timedelta(seconds=value)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime):
        raise ValueError(f"{value!r} is neither ISO 8601 (2026-01-31T12:00:00Z) nor seconds since 1970")
    if moment.tzinfo is None:
        raise ValueError(f"{value} needs a time zone, e.g. 2026-01-31T12:00:00Z")
    return moment


def _raw_rows(path: Path, columns: _Columns) -> Iterator[tuple[int, RawRow | InputError]]:
    readers: dict[str, Callable[[Path, _Columns], Iterator[RawRow | InputError | None]]] = {
        ".csv": _csv_rows,
        ".jsonl": _jsonl_rows,
        ".parquet": _parquet_rows,
    }
    rows = readers[_format(path)](path, columns)
    return ((number, row) for number, row in enumerate(rows, start=1) if row is not None)


def _format(path: Path) -> str:
    suffix = {".ndjson": ".jsonl"}.get(path.suffix.lower(), path.suffix.lower())
    if suffix not in (".csv", ".jsonl", ".parquet"):
        raise InputError.of(str(path), "must end in .csv, .jsonl, .ndjson or .parquet")
    return suffix


def _text_lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from lines
    except UnicodeDecodeError as error:
        raise InputError.of(str(path), "is not UTF-8") from error
    except OSError as error:
        raise InputError.of(str(path), error.strerror or str(error)) from error


def _csv_lines(path: Path) -> Iterator[list[str]]:
    csv.field_size_limit(ITEM_BYTES)  # the module's default is a third of the store's row limit
    reader = csv.reader(_text_lines(path), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise InputError.of(str(path), f"line {reader.line_num} is not CSV: {error}") from error


def _csv_rows(path: Path, columns: _Columns) -> Iterator[RawRow | InputError | None]:
    lines = _csv_lines(path)
    header = tuple(next(lines, ()))
    if len(set(header)) != len(header):
        raise InputError.of(str(path), "the header names a column twice")
    definitions = {name: column.definition for name, column in columns.of(header).items()}
    for cells in lines:
        if not cells:
            yield None
        elif len(cells) != len(header):
            yield InputError.of("(row)", f"has {len(cells)} cells; the header has {len(header)}")
        else:
            yield {name: _from_text(cell, definitions.get(name)) for name, cell in zip(header, cells, strict=True)}


def _from_text(cell: str, definition: FeatureConfig | None) -> FeatureValue | None:
    """A cell as its feature's type; None if empty, unchanged if it is not of that type, so that it is refused later."""
    if not cell:
        return None
    kind = definition.type if definition is not None else FeatureType.STRING
    if kind is FeatureType.INTEGER and len(cell) <= 20 and _INTEGER.fullmatch(cell):
        return int(cell)
    if kind is FeatureType.FLOAT and _NUMBER.fullmatch(cell):
        return float(cell)
    if kind is FeatureType.BOOLEAN:
        return _BOOLEANS.get(cell.lower(), cell)
    return cell


def _jsonl_rows(path: Path, _columns: _Columns) -> Iterator[RawRow | InputError | None]:
    for line in _text_lines(path):
        yield _from_json(line) if line.strip() else None


def _from_json(line: str) -> RawRow | InputError:
    try:
        row = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return InputError.of("(row)", f"is not JSON: {error}")
    return row if isinstance(row, dict) else InputError.of("(row)", "must be a JSON object")


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _parquet_rows(path: Path, columns: _Columns) -> Iterator[RawRow | InputError | None]:
    file = _parquet(path)
    columns.of(tuple(file.schema_arrow.names))
    from pyarrow import ArrowException

    schema = _in_microseconds(file.schema_arrow)
    try:
        for batch in file.iter_batches(batch_size=1024):
            yield from batch.cast(schema, safe=False).to_pylist()
    except (ArrowException, OSError, ValueError) as error:
        raise InputError.of(str(path), f"cannot be read: {error}") from error


def _in_microseconds(schema: Any) -> Any:
    """The schema with timestamps in microseconds, because `datetime` cannot hold the nanoseconds that pandas writes."""
    import pyarrow

    for index, field in enumerate(schema):
        if pyarrow.types.is_timestamp(field.type):
            schema = schema.set(index, field.with_type(pyarrow.timestamp("us", field.type.tz)))
    return schema


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise InputError.of(str(path), "reading Parquet needs pyarrow: pip install 'slipway[parquet]'") from error
    try:
        return ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise InputError.of(str(path), f"is not Parquet: {error}") from error
