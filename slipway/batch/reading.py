"""Read a shard as tables: the rows of Parquet as they are, those of text typed by the manifest, and score each."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from slipway.batch.scoring import Scored, Scorer
from slipway.batch.shards import Shard
from slipway.config import FeatureType
from slipway.errors import FieldProblem, InputError
from slipway.models.missing_values import file_record, plain_value
from slipway.records.files import Format, read_stream
from slipway.records.parquet import parquet_file, table_rows
from slipway.records.rows import Refusal, Row

if TYPE_CHECKING:
    import pyarrow

TABLE_ROWS = 16_384
"""The rows of a table: few enough for a processor's cache, many enough to make calls cheap."""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was not scored: its number in the file from 1, its line if it has one, and its values."""

    row: int
    line: int | None
    problems: tuple[FieldProblem, ...]
    record: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ScoredTable:
    """The columns of the rows that were scored, their numbers in the shard from 0, the answers, and the other rows."""

    table: "pyarrow.RecordBatch"
    numbers: NDArray[np.intp]
    scored: Scored
    rejected: tuple[RejectedRow, ...]


def scored_tables(shard: Shard, stream: BinaryIO, scorer: Scorer) -> Iterator[ScoredTable]:
    """Score the rows of a shard; ``stream`` is its file.

    Raises:
        InputError: the file cannot be read, or has other rows than the plan has counted.
    """
    read = 0
    for scored in (
        _of_parquet(shard, stream, scorer) if shard.format is Format.PARQUET else _of_text(shard, stream, scorer)
    ):
        read += len(scored.numbers) + len(scored.rejected)
        yield scored
    if read != shard.rows:
        raise InputError.of(
            shard.file, f"{shard.rows} rows were planned from row {shard.first_row + 1} on, and {read} read"
        )


def _of_parquet(shard: Shard, stream: BinaryIO, scorer: Scorer) -> Iterator[ScoredTable]:
    from pyarrow import ArrowException

    groups, first = list(range(shard.begin, shard.end)), 0
    with parquet_file(stream, shard.file) as file:
        try:
            for batch in file.iter_batches(batch_size=TABLE_ROWS, row_groups=groups):
                yield _scored(batch, first, shard, scorer)
                first += batch.num_rows
        except (ArrowException, OSError) as error:
            message = str(error).strip().partition("\n")[0]
            raise InputError.of(
                shard.file, f"cannot be read from row {shard.first_row + first + 1} on: {message}"
            ) from error


def _scored(table: "pyarrow.RecordBatch", first: int, shard: Shard, scorer: Scorer) -> ScoredTable:
    scored = scorer.score(table)
    rejected = []
    for each in scored.rejected:
        [row] = table_rows(table.slice(each.row, 1))
        record = row.values if isinstance(row, Row) else None
        rejected.append(RejectedRow(shard.first_row + first + each.row + 1, None, each.problems, record))
    whole = len(scored.right) == table.num_rows
    return ScoredTable(table if whole else table.take(scored.right), scored.right + first, scored, tuple(rejected))


def _of_text(shard: Shard, stream: BinaryIO, scorer: Scorer) -> Iterator[ScoredTable]:
    stream.seek(shard.begin)
    part = io.BytesIO(stream.read(shard.end - shard.begin))
    file = read_stream(part, shard.format, shard.file, shard.columns)
    rows = list(file.rows)
    for row in rows:
        if isinstance(row, Refusal) and row.ends:
            line = shard.first_line + (row.position.line or 1) - 1
            raise InputError.of(f"{shard.file} line {line}", row.problems[0].message)
    names = file.columns or tuple(dict.fromkeys(name for row in rows if isinstance(row, Row) for name in row.values))
    for first in range(0, len(rows), TABLE_ROWS):
        yield _scored_rows(rows[first : first + TABLE_ROWS], first, names, shard, scorer, is_text=file.is_text)


def _scored_rows(
    rows: Sequence[Row | Refusal], first: int, names: Sequence[str], shard: Shard, scorer: Scorer, *, is_text: bool
) -> ScoredTable:
    scored = scorer.score_rows(rows, is_text=is_text)
    right = [row.values for at in scored.right if isinstance(row := rows[at], Row)]
    rejected = tuple(_rejected(shard, rows[each.row], each.problems) for each in scored.rejected)
    return ScoredTable(_table(right, names, scorer, is_text=is_text), scored.right + first, scored, rejected)


def _rejected(shard: Shard, row: Row | Refusal, problems: tuple[FieldProblem, ...]) -> RejectedRow:
    line = None if row.position.line is None else shard.first_line + row.position.line - 1
    record = row.values if isinstance(row, Row) else None
    return RejectedRow(shard.first_row + row.position.number, line, problems, record)


def _table(
    records: Sequence[Mapping[str, Any]], names: Sequence[str], scorer: Scorer, *, is_text: bool
) -> "pyarrow.RecordBatch":
    """The values of rows by column: inputs by their type, every other column as text."""
    import pyarrow as pa

    types: dict[FeatureType, Any] = {
        FeatureType.STRING: pa.string(),
        FeatureType.BOOLEAN: pa.bool_(),
        FeatureType.INTEGER: pa.int64(),
        FeatureType.FLOAT: pa.float64(),
    }
    inputs = scorer.columns
    read = [file_record(record, inputs, is_text=is_text) for record in records] if is_text else records
    arrays = [
        pa.array([plain_value(inputs[name].type, record.get(name)) for record in read], types[inputs[name].type])
        if name in inputs
        else pa.array([_text(record.get(name)) for record in read], pa.string())
        for name in names
    ]
    return pa.RecordBatch.from_arrays(arrays, list(names))


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
