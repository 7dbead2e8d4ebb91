"""Records of Parquet, by pyarrow, which is an optional extra."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from re import compile as pattern
from typing import Any, BinaryIO

from slipway.errors import FieldProblem, InputError
from slipway.records.rows import Position, Refusal, Row, Rows

_BATCH_ROWS = 1024
_MANY_ROWS = 32_768
_BUFFER_BYTES = 64 * 1024
Batches = Iterator[Any]
_EPOCH = datetime(1970, 1, 1)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_INDEX = pattern(r"__index_level_\d+__")  # pandas' own numbers of rows


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """A value that Python cannot hold."""

    reason: str


@contextmanager
def open_parquet(stream: BinaryIO, name: str) -> Iterator[tuple[tuple[str, ...], Rows]]:
    """The columns and rows of a file. Times are datetimes, naive if their column has no zone.

    Raises:
        InputError: pyarrow is not installed, or the file is not Parquet or has a column twice.
    """
    with _opened(stream, name) as (file, columns):
        yield columns, _rows(file, columns)


@contextmanager
def open_batches(stream: BinaryIO, name: str) -> Iterator[tuple[tuple[str, ...], Callable[[Sequence[str]], Batches]]]:
    """The columns of a file, and what reads some of them as pyarrow's record batches; raises as `open_parquet` does.

    Memory does not grow with the rows, whatever the size of the file's row groups.
    """
    with _opened(stream, name) as (file, columns):
        yield columns, lambda wanted: _batches(file, wanted, name)


@contextmanager
def _opened(stream: BinaryIO, name: str) -> Iterator[tuple[Any, tuple[str, ...]]]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise InputError.of(name, "reading Parquet needs pyarrow: pip install 'slipway[parquet]'") from error
    try:
        file = ParquetFile(stream, pre_buffer=False, buffer_size=_BUFFER_BYTES)
    except (ArrowException, OSError, ValueError) as error:
        raise InputError.of(name, f"is not Parquet: {_first_line(error)}") from error
    with file:
        names = list(file.schema_arrow.names)
        if twice := [column for column, count in Counter(names).items() if count > 1]:
            raise InputError.of(name, f"has a column twice: {', '.join(twice)[:500]}")
        yield file, tuple(column for column in names if not _INDEX.fullmatch(column))


def _batches(file: Any, columns: Sequence[str], name: str) -> Batches:
    from pyarrow import ArrowException

    try:
        yield from file.iter_batches(batch_size=_MANY_ROWS, columns=list(columns))
    except (ArrowException, OSError, ValueError) as error:
        raise InputError.of(name, f"cannot be read: {_first_line(error)}") from error


def _rows(file: Any, columns: Sequence[str]) -> Rows:
    from pyarrow import ArrowException

    number = 0
    try:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns)):
            values = [column_values(batch.column(column)) for column in columns]
            for at in range(batch.num_rows):
                number += 1
                yield _row(Position(number), {c: found[at] for c, found in zip(columns, values, strict=True)})
    except (ArrowException, OSError, ValueError) as error:
        message = f"cannot be read: {_first_line(error)}; the rest of the file was not read"
        yield Refusal.of(Position(number + 1), message, malformed=True)


def _row(position: Position, values: dict[str, Any]) -> Row | Refusal:
    wrong = [FieldProblem(name, value.reason) for name, value in values.items() if isinstance(value, _Unreadable)]
    return Refusal(position, tuple(wrong)) if wrong else Row(position, values)


def column_values(column: Any) -> list[Any]:
    """A column's values as Python's; a value that Python cannot hold does not spoil the others."""
    from pyarrow import ArrowException, int64, types

    if types.is_timestamp(column.type):
        unit, zone = column.type.unit, column.type.tz
        return [_moment(ticks, unit, zone) for ticks in column.cast(int64()).to_pylist()]
    try:
        values = column.to_pylist()
    except (ArrowException, ValueError, OverflowError):
        values = [_value(scalar) for scalar in column]
    return [_number(value) for value in values] if types.is_decimal(column.type) else values


def _value(scalar: Any) -> Any:
    from pyarrow import ArrowException

    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return _Unreadable("is not UTF-8")
    except (ArrowException, ValueError, OverflowError):
        return _Unreadable(f"is a {scalar.type} that cannot be read")


def _moment(ticks: int | None, unit: str, zone: str | None) -> Any:
    """A time; fractions of a microsecond are dropped. With a zone, Parquet counts from 1970 in UTC."""
    if ticks is None:
        return None
    try:
        moment = _EPOCH + timedelta(microseconds=ticks * 10**6 // _PER_SECOND[unit])
    except OverflowError:
        return _Unreadable("is a time outside the years 1 to 9999")
    return moment if zone is None else moment.replace(tzinfo=UTC)


def _number(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
