"""Read a file of entities and times as Arrow tables: a row for each point at which features are wanted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from slipway.errors import FieldProblem, InputError
from slipway.features.event_times import read_moment
from slipway.features.history.arrow import pyarrow
from slipway.features.history.joining import Longs
from slipway.features.store import EARLIEST_SECONDS, to_milliseconds
from slipway.records.files import Format, format_of, open_records
from slipway.records.rows import Row, placed

PIECE_ROWS = 1_000_000
"""The rows that are joined at a time, so that memory does not grow with the file."""

_TEXT_ROWS = 50_000  # of a file that is read row by row
_LATEST_SECONDS = 32_503_680_000  # the year 3000, as for event times
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def entity_pieces(path: Path) -> Iterator[Any]:
    """The rows of a CSV, TSV, JSON Lines or Parquet file as tables of at most `PIECE_ROWS` rows.

    Cells of CSV stay text. All pieces have the same columns and types.

    Raises:
        InputError: the file, or a record of it, cannot be read; or pyarrow is not installed.
    """
    pa = pyarrow()
    if format_of(path) is Format.PARQUET:
        yield from _parquet_pieces(pa, path)
        return
    table = _of_rows(pa, path)
    for start in range(0, table.num_rows, PIECE_ROWS):
        yield table.slice(start, PIECE_ROWS)


def _parquet_pieces(pa: Any, path: Path) -> Iterator[Any]:
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=PIECE_ROWS):
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError.of(str(path), f"cannot be read as Parquet: {error}") from error


def _of_rows(pa: Any, path: Path) -> Any:
    tables: list[Any] = []
    rows: list[dict[str, Any]] = []
    with open_records(path) as records:
        for row in records.rows:
            if not isinstance(row, Row):
                raise InputError(placed(f"{records.name} {row.position}", row.problems))
            rows.append(dict(row.values))
            if len(rows) == _TEXT_ROWS:
                tables.append(_table(pa, rows, path))
                rows = []
    tables.append(_table(pa, rows, path))
    try:
        return pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    except pa.ArrowException as error:
        raise InputError.of(str(path), f"has a column of several types: {error}") from error


def _table(pa: Any, rows: list[dict[str, Any]], path: Path) -> Any:
    columns = dict.fromkeys(name for row in rows for name in row)
    try:
        return pa.table({name: [row.get(name) for row in rows] for name in columns})
    except pa.ArrowException as error:
        raise InputError.of(str(path), f"has a column of several types: {error}") from error


def ids_of(table: Any, column: str, *, first: int) -> Any:
    """A column of ids as text; whole numbers are read as text. ``first`` is the number of the table's first record."""
    from pyarrow import types

    pa, ids = pyarrow(), _column(table, column)
    if ids.null_count:
        raise InputError.of(column, f"record {first + _first_null(ids)} has no id")
    if not (types.is_string(ids.type) or types.is_large_string(ids.type) or types.is_integer(ids.type)):
        raise InputError.of(column, f"must hold ids, texts or whole numbers, not {ids.type}")
    return ids.cast(pa.string())


def times_of(table: Any, column: str, *, first: int) -> Longs:
    """A column of times in milliseconds since 1970, rounded down: ISO 8601 with a zone, or seconds since 1970.

    Raises:
        InputError: names the first record whose time is missing, or is no time.
    """
    from pyarrow import types

    times = _column(table, column)
    if times.null_count:
        raise InputError.of(column, f"record {first + _first_null(times)} has no time")
    if types.is_timestamp(times.type):
        return _of_timestamps(times, column)
    if types.is_integer(times.type) or types.is_floating(times.type):
        return _of_seconds(times.to_numpy(), column, first)
    if types.is_string(times.type) or types.is_large_string(times.type):
        return _of_texts(times, column, first)
    raise InputError.of(column, f"must hold times, not {times.type}")


def _of_timestamps(times: Any, column: str) -> Longs:
    pa = pyarrow()
    if times.type.tz is None:
        raise InputError.of(column, "needs a time zone: Parquet's timestamps without one are the time of nowhere")
    ticks: Longs = times.cast(pa.int64()).to_numpy()
    per = _PER_SECOND[times.type.unit]
    return ticks * 1000 if per == 1 else ticks // (per // 1000)


def _of_seconds(seconds: Any, column: str, first: int) -> Longs:
    wrong = ~np.isfinite(seconds) | (seconds < EARLIEST_SECONDS) | (seconds > _LATEST_SECONDS)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InputError.of(column, f"record {first + at}: {seconds[at]} is not a time in seconds since 1970")
    if seconds.dtype.kind in "iu":
        return np.asarray(seconds, np.int64) * 1000
    # Fractions are read to microseconds, as everywhere, and then rounded down.
    return np.asarray(np.round(seconds * 1e6), np.int64) // 1000


def _of_texts(times: Any, column: str, first: int) -> Longs:
    """Each distinct text is read once."""
    pa = pyarrow()
    encoded = pa.concat_arrays(times.chunks or [pa.array([], times.type)]).dictionary_encode()
    read: list[int] = []
    for place, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            read.append(to_milliseconds(read_moment(text)))
        except ValueError as error:
            at = int(np.flatnonzero(encoded.indices.to_numpy() == place)[0])
            raise InputError([FieldProblem(column, f"record {first + at}: {error}")]) from error
    found: Longs = np.asarray(read, dtype=np.int64)[encoded.indices.to_numpy()]
    return found


def _column(table: Any, name: str) -> Any:
    if name not in table.column_names:
        raise InputError.of(name, f"is not a column of the file, which has {', '.join(table.column_names)}")
    return table[name]


def _first_null(column: Any) -> int:
    from pyarrow import compute

    return int(compute.index(compute.is_null(column), value=True).as_py())
