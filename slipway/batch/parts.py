"""The output of a shard: its rows with the answers beside them, and the rows that were rejected."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from slipway.batch.reading import RejectedRow, ScoredTable
from slipway.batch.scoring import Scored
from slipway.errors import InputError
from slipway.models.manifest import BUILT_IN_TASKS, Form, Manifest
from slipway.models.prediction.answer_columns import AnswerColumns
from slipway.records.rows import WHOLE

if TYPE_CHECKING:
    import pyarrow

PREFIX = "prediction"
"""What the name of each column with an answer begins with."""

ID = f"{PREFIX}_id"


class OutputFormat(StrEnum):
    """How the output is written, by the ending of a part's name."""

    PARQUET = "parquet"
    JSON_LINES = "jsonl"


Ids = Callable[[NDArray[np.intp]], "pyarrow.Array"]
"""Makes the prediction ids of rows from their numbers in the shard."""


def answer_schema(manifest: Manifest) -> "pyarrow.Schema":
    """The columns that a version's answers add, but for the id: the version, and what the API answers.

    ``prediction_scores`` and ``prediction_values`` are structs by label and target. The answer of a task of the user's
    own is JSON.
    """
    import pyarrow as pa

    fields = [(f"{PREFIX}_version", pa.int64())]
    scores = pa.struct([(label, pa.float64()) for label in manifest.outputs.labels or ()])
    if manifest.task not in BUILT_IN_TASKS:
        return pa.schema([*fields, (PREFIX, pa.string())])
    match manifest.outputs.form:
        case Form.LABEL:
            fields += [("label", pa.string()), ("score", pa.float64()), ("scores", scores)]
        case Form.LABELS:
            fields += [("labels", pa.list_(pa.string())), ("scores", scores)]
        case Form.VALUE:
            fields += [("value", pa.float64())]
        case Form.VALUES:
            fields += [("values", pa.struct([(name, pa.float64()) for name in manifest.outputs.target_names]))]
    return pa.schema([(name if name.startswith(PREFIX) else f"{PREFIX}_{name}", kind) for name, kind in fields])


def require_free_names(columns: Iterable[str], manifest: Manifest, file: str) -> None:
    """Raise InputError if a file has a column with the name of one that the answers add."""
    if taken := sorted(set(columns) & {ID, *answer_schema(manifest).names}):
        raise InputError.of(file, f"has the column {', '.join(taken)}, which the output gets; rename it")


def with_answers(found: ScoredTable, manifest: Manifest, ids: Ids) -> "pyarrow.RecordBatch":
    """The columns of the rows that were scored, and their answers; raises InputError if both name a column."""
    import pyarrow as pa

    table = found.table
    require_free_names(table.schema.names, manifest, "the input")
    answers = answers_table(found.scored, manifest)
    id_ = pa.field(ID, pa.string())
    # What pandas wrote of its index into the schema would be wrong for other columns.
    schema = pa.schema([*table.schema, id_, *answers.schema])
    columns = [*table.columns, ids(found.numbers), *answers.columns]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def answers_table(scored: Scored, manifest: Manifest) -> "pyarrow.RecordBatch":
    """The columns of answers but for the id."""
    import pyarrow as pa

    schema = answer_schema(manifest)
    if not len(scored.right):
        return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
    made = {f"{PREFIX}_version": [manifest.version] * len(scored.right), **_answers(scored.answers)}
    return pa.RecordBatch.from_arrays([_array(made[field.name], field.type) for field in schema], schema=schema)


def _answers(answers: AnswerColumns | list[dict[str, Any]]) -> dict[str, Any]:
    if isinstance(answers, list):
        return {PREFIX: [json.dumps(answer, ensure_ascii=False) for answer in answers]}
    found = {f"{PREFIX}_{answers.form}": answers.main}
    if answers.score is not None:
        found[f"{PREFIX}_score"] = answers.score
    if answers.scores is not None:
        found[f"{PREFIX}_scores"] = answers.scores
    return found


def _array(values: Any, kind: "pyarrow.DataType") -> "pyarrow.Array":
    import pyarrow as pa

    if pa.types.is_struct(kind):
        names = [kind.field(at).name for at in range(kind.num_fields)]
        columns = [pa.array(values.get(name, []), pa.float64()) for name in names]
        return pa.StructArray.from_arrays(columns, names)
    return pa.array(values, kind)


class PartWriter:
    """Writes a part to a file on this machine, table by table; use it as a context manager."""

    def __init__(self, path: Path, format_: OutputFormat) -> None:
        self._path = path
        self._format = format_
        self._parquet: Any = None
        self._text: Any = None

    def __enter__(self) -> "PartWriter":
        if self._format is OutputFormat.JSON_LINES:
            self._text = self._path.open("w", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        for open_ in (self._parquet, self._text):
            if open_ is not None:
                open_.close()

    def write(self, table: "pyarrow.RecordBatch") -> None:
        """Append rows."""
        if self._text is not None:
            self._text.writelines(_lines(_json_rows(table)))
            return
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        if self._parquet is None:
            # A dictionary of ids or scores would be as long as the column, and take most of the time.
            repeated = [field.name for field in table.schema if field.type in (pa.string(), pa.large_string())]
            repeated.remove(ID)
            self._parquet = ParquetWriter(self._path, table.schema, compression="snappy", use_dictionary=repeated)
        self._parquet.write_batch(table)


def label_counts(table: "pyarrow.RecordBatch") -> dict[str, int]:
    """How often each label was the answer, or among the answers; none of a regression or a task of the user's own."""
    for name in (f"{PREFIX}_{form}" for form in (Form.LABEL, Form.LABELS)):
        if name in table.schema.names:
            column = table.column(name)
            found = (column if name.endswith(Form.LABEL) else column.flatten()).value_counts()
            return {each["values"]: each["counts"] for each in found.to_pylist()}
    return {}


def _json_rows(table: "pyarrow.RecordBatch") -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = table.to_pylist()
    except UnicodeDecodeError as error:
        raise InputError.of("--format", "the input has text that is not UTF-8, which JSON cannot hold") from error
    return rows


def rejected_lines(file: str, rows: Iterable[RejectedRow]) -> Iterator[str]:
    """The rejected rows of a file as JSON Lines: where each stands, what is wrong with it, and what it holds."""
    for row in rows:
        place = {"file": file, "row": row.row, **({"line": row.line} if row.line is not None else {})}
        problems = [
            {**({} if each.field == WHOLE else {"field": each.field}), "message": each.message} for each in row.problems
        ]
        yield from _lines([{**place, "problems": problems, "record": row.record}])


def _lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        # JSON has no NaN: a missing number is null.
        yield to_json(row, inf_nan_mode="null", bytes_mode="base64", fallback=str).decode() + "\n"
