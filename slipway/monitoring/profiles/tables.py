"""Makes the profile of a file of records: CSV, TSV, JSON Lines, or Parquet column by column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from slipway.errors import InputError
from slipway.models.manifest import InputField
from slipway.models.missing_values import present_values
from slipway.models.package import Package
from slipway.monitoring.profiles.columns import CategoryCounting, Counting, NumberCounting
from slipway.monitoring.profiles.making import CHUNK, VersionCounting
from slipway.monitoring.profiles.profile import Profile
from slipway.records.cells import read_cells
from slipway.records.files import Format, format_of, open_records
from slipway.records.parquet import column_values, open_batches
from slipway.records.rows import Records, Row

_MINUTES_A_DAY = 1440


@dataclass(frozen=True, slots=True)
class FileProfile:
    """The profile of a file's records; inputs that have no column there have no counts.

    ``refused`` counts records that cannot be read, which are left out.
    """

    profile: Profile
    absent: tuple[str, ...]
    refused: int


def profile_file(path: Path, package: Package, *, start: datetime | None = None) -> FileProfile:
    """Count the records of a file into a version's bins, in memory that does not grow with them.

    A column is an input of its name, or an output such as ``outputs.score``; the ``label`` of a file is the true one.
    The period of the profile is the day from ``start``, by default from 1970 on, since a file has none.

    Raises:
        InputError: the file cannot be read, or has none of the inputs.
        PackageError: the baseline is malformed.
    """
    counting = VersionCounting(package)
    if format_of(path) is Format.PARQUET:
        present, refused = _count_batches(path, counting), 0
    else:
        present, refused = _count_rows(path, counting)
    inputs = [field.name for field in package.manifest.inputs]
    if not present:
        raise InputError.of(str(path), f"has none of the model's inputs: {', '.join(inputs)}")
    made = counting.profile(start or datetime(1970, 1, 1, tzinfo=UTC), _MINUTES_A_DAY, columns=present)
    return FileProfile(made, tuple(name for name in inputs if name not in present), refused)


def _count_rows(path: Path, counting: VersionCounting) -> tuple[set[str], int]:
    fields = counting.version.package.manifest.inputs
    present: set[str] = set()
    refused = 0
    with open_records(path) as records:
        for chunk in _chunks(records):
            rows = [_values(row, fields, is_text=records.is_text) for row in chunk if isinstance(row, Row)]
            refused += len(chunk) - len(rows)
            present |= set(records.columns or {name for row in rows for name in row})
            _count(rows, counting)
    return present & counting.by_name.keys(), refused


def _chunks(records: Records) -> Iterator[list[Any]]:
    while chunk := list(islice(records.rows, CHUNK)):
        yield chunk


def _values(row: Row, fields: Sequence[InputField], *, is_text: bool) -> Mapping[str, Any]:
    if not is_text:
        return row.values
    return read_cells(present_values(row.values, fields), {field.name: field.type for field in fields})


def _count(rows: Sequence[Mapping[str, Any]], counting: VersionCounting) -> None:
    counting.records += len(rows)
    for name, column in counting.by_name.items():
        column.add([row.get(name) for row in rows])


def _count_batches(path: Path, counting: VersionCounting) -> set[str]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError.of(str(path), error.strerror or str(error)) from error
    with stream, open_batches(stream, str(path)) as (columns, read):
        wanted = [name for name in columns if name in counting.by_name]
        for batch in read(wanted):
            counting.records += batch.num_rows
            for name, column in zip(wanted, batch.columns, strict=True):
                _count_column(column, counting.by_name[name])
    return set(wanted)


def _count_column(column: Any, counting: Counting) -> None:
    """Count a pyarrow array; numbers and repeated values need no Python object each."""
    from pyarrow import float64, types

    is_number = types.is_floating(column.type) or types.is_integer(column.type) or types.is_decimal(column.type)
    if isinstance(counting, NumberCounting) and is_number:
        counting.add_floats(column.cast(float64(), safe=False).to_numpy(zero_copy_only=False))
    elif isinstance(counting, CategoryCounting) and not types.is_nested(column.type):
        found = column.value_counts()
        for value, count in zip(column_values(found.field(0)), found.field(1).to_pylist(), strict=True):
            counting.add_many(value, count)
    else:
        counting.add(column_values(column))
