"""Score Arrow tables and rows with a version: what jobs and the callable for other engines are made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from slipway.batch.columns import checked_columns
from slipway.batch.row_features import FilledTable, Problems, RowFeatures, entity_text
from slipway.config.validation import field_problems
from slipway.errors import FieldProblem, InputError, PredictionError
from slipway.models.embedded import whole_record_model
from slipway.models.manifest import BUILT_IN_TASKS, Manifest, Record
from slipway.models.measurements.batching import may_batch
from slipway.models.missing_values import Column, file_record
from slipway.models.package import Package
from slipway.models.prediction.answer_columns import (
    AnswerColumns,
    answer_columns,
    answer_rows,
    chosen_answers,
    columns_of,
)
from slipway.models.prediction.answers import Answer, is_judged
from slipway.models.prediction.predictor import Predictor
from slipway.models.schema import RequestRecord, StoredFeatures, record_model
from slipway.records.parquet import table_rows
from slipway.records.rows import WHOLE, Refusal, Row

if TYPE_CHECKING:
    import pyarrow

TEXT_BATCH, TABLE_BATCH = 32, 4096
"""How many records a graph gets at once: texts are padded to the longest of them, and tables gain from more."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row of a table, from 0, that was not scored, and what is wrong with it."""

    row: int
    problems: tuple[FieldProblem, ...]


_Read = tuple[RequestRecord, Record]
"""A record, and the row that it is of."""

RecordsOf = Callable[[Sequence[int]], list[Record]]
"""The whole records of some answers by their places, with features and defaults as the graph got them."""


def _no_records(_places: Sequence[int]) -> list[Record]:
    return []


@dataclass(frozen=True, slots=True)
class Scored:
    """The answers to the rows ``right`` of a table, in order, and the rows that were rejected.

    ``answers`` is a list of JSON objects if they are of a task of the user's own. ``inputs`` are the columns that were
    scored, in the same order, if they were scored by column.
    """

    right: NDArray[np.intp]
    answers: AnswerColumns | list[Answer]
    rejected: tuple[Rejected, ...]
    records: RecordsOf = _no_records
    inputs: Mapping[str, NDArray[Any]] | None = None


class Scorer:
    """Scores Arrow tables with one version. Columns that are not inputs are left alone.

    ``features`` reads what rows that name entities lack; without it, every input is a column.
    """

    def __init__(
        self, predictor: Predictor, *, batch_size: int | None = None, features: RowFeatures | None = None
    ) -> None:
        if batch_size is not None and batch_size < 1:
            raise InputError.of("batch_size", f"must be at least 1 (got {batch_size})")
        manifest = predictor.manifest
        self._predictor = predictor
        self._manifest = manifest
        self._features = features
        self._whole_record = whole_record_model(manifest)
        self._record = (
            self._whole_record if features is None else record_model(manifest, features.owners, text_characters=None)
        )
        self._built_in = manifest.task in BUILT_IN_TASKS
        self._size = batch_size or _batch_of(predictor.package)
        self._columns = {
            field.name: Column(field.type, field.nullable, field.default is not None) for field in manifest.inputs
        }

    @property
    def predictor(self) -> Predictor:
        """The version that scores."""
        return self._predictor

    @property
    def batch_size(self) -> int:
        """How many records the graph gets at once."""
        return self._size

    @property
    def columns(self) -> Mapping[str, Column]:
        """The inputs as columns of a file."""
        return self._columns

    def score(self, table: "pyarrow.RecordBatch") -> Scored:
        """Score every row of a table; rows that are wrong, or on which the graph fails, are rejected."""
        filled = self._filled(table) if self._built_in else None
        checked = checked_columns(self._manifest, filled.table) if filled else None
        if filled is None or checked is None:
            return self._by_record(self._rows(table))
        is_right = checked.right & ~filled.wrong
        right, wrong = is_right.nonzero()[0], (~is_right).nonzero()[0]
        inputs = checked.values if not len(wrong) else checked.rows(right)
        answers = self._by_column(inputs, len(right))
        rejected = self._by_record(self._rows(table.take(wrong)) if len(wrong) else ())
        # The records' checks have the last word, should the two ever differ.
        if answers is None or len(rejected.right):
            return self._by_record(self._rows(table))
        return Scored(
            right,
            answers,
            tuple(Rejected(int(wrong[each.row]), each.problems) for each in rejected.rejected),
            lambda places: self._whole_records(filled.table.take(right[places])),
            inputs,
        )

    def score_rows(self, rows: Sequence[Row | Refusal], *, is_text: bool = False) -> Scored:
        """Score the rows of a file, whose values are text if it is delimited; refusals are rejected as they are."""
        return self._by_record(rows, is_text=is_text)

    def _filled(self, table: "pyarrow.RecordBatch") -> FilledTable | None:
        if self._features is None:
            return FilledTable(table, np.zeros(table.num_rows, bool))
        return self._features.fill(table.select(self._taken(table)))

    def _by_column(self, inputs: Mapping[str, NDArray[Any]], rows: int) -> AnswerColumns | None:
        """The answers to right rows; None if the graph fails, or returns what must be looked at row by row."""
        parts: list[NDArray[Any]] = []
        try:
            for first in range(0, rows, self._size):
                chosen = {name: column[first : first + self._size] for name, column in inputs.items()}
                parts.append(self._predictor.predict_columns(chosen))
        except PredictionError:
            return None
        if not parts:
            return columns_of(self._manifest.outputs.form, [])
        return answer_columns(self._manifest.outputs, np.concatenate(parts))

    def _taken(self, table: "pyarrow.RecordBatch") -> list[str]:
        """The columns that scoring looks at."""
        also = () if self._features is None else self._features.columns
        return [name for name in table.schema.names if name in self._columns or name in also]

    def _rows(self, table: "pyarrow.RecordBatch") -> list[Row | Refusal]:
        return table_rows(table.select(self._taken(table)))

    def _whole_records(self, filled: "pyarrow.RecordBatch") -> list[Record]:
        """The records of rows whose features are filled in and which are right."""
        rows = table_rows(filled.select([name for name in filled.schema.names if name in self._columns]))
        records = (file_record(row.values, self._columns, is_text=False) for row in rows if isinstance(row, Row))
        return [self._whole_record.model_validate(record).complete() for record in records]

    def _by_record(self, rows: Sequence[Row | Refusal], *, is_text: bool = False) -> Scored:
        read, rejected = self._read_rows(rows, is_text=is_text)
        records: dict[int, Record] = {}
        for (number, (record, _)), stored in zip(read.items(), self._stored(list(read.values())), strict=True):
            if isinstance(stored, tuple):
                rejected.append(Rejected(number, stored))
                continue
            try:
                records[number] = record.complete(stored)
            except InputError as error:
                rejected.append(Rejected(number, tuple(error.problems)))
        answers: dict[int, Answer] = {}
        for number, answer in zip(records, self._answers(list(records.values())), strict=True):
            if isinstance(answer, PredictionError):
                rejected.append(Rejected(number, (FieldProblem(WHOLE, str(answer)),)))
            else:
                answers[number] = answer
        rejected.sort(key=lambda each: each.row)
        scored = [records[number] for number in answers]
        right = np.array(list(answers), np.intp)
        found = self._shaped(list(answers.values()))
        return Scored(right, found, tuple(rejected), lambda places: [scored[at] for at in places])

    def _read_rows(self, rows: Sequence[Row | Refusal], *, is_text: bool) -> tuple[dict[int, _Read], list[Rejected]]:
        """The records of a file's rows by number, each beside its row, and the rows that are none."""
        read: dict[int, _Read] = {}
        rejected: list[Rejected] = []
        for number, row in enumerate(rows):
            if isinstance(row, Refusal):
                rejected.append(Rejected(number, row.problems))
                continue
            try:
                read[number] = self._record.model_validate(self._values(row.values, is_text=is_text)), row.values
            except ValidationError as error:
                rejected.append(Rejected(number, tuple(field_problems(error))))
        return read, rejected

    def _values(self, row: Record, *, is_text: bool) -> Record:
        """A row as the record of a request: its inputs and the entities whose features it may lack."""
        inputs = {name: value for name, value in row.items() if name in self._columns}
        named = () if self._features is None else self._features.entities.values()
        ids = {name: id_ for name in named if (id_ := entity_text(row.get(name))) is not None}
        return {**file_record(inputs, self._columns, is_text=is_text), **ids}

    def _stored(self, read: Sequence[_Read]) -> Sequence[StoredFeatures | Problems]:
        return [{}] * len(read) if self._features is None else self._features.stored(read)

    def _answers(self, records: Sequence[Record]) -> Iterator[Answer | PredictionError]:
        """The answers in order; where the graph fails on a batch, its records are predicted one by one."""
        for first in range(0, len(records), self._size):
            batch = records[first : first + self._size]
            try:
                yield from self._predictor.predict(batch)
            except PredictionError:
                yield from map(self._alone, batch)

    def _alone(self, record: Record) -> Answer | PredictionError:
        try:
            return self._predictor.predict([record])[0]
        except PredictionError as error:
            return error

    def _shaped(self, answers: list[Answer]) -> AnswerColumns | list[Answer]:
        outputs = self._manifest.outputs
        if all(is_judged(outputs, answer) for answer in answers):
            return columns_of(outputs.form, answers)
        return answers


def _batch_of(package: Package) -> int:
    """How many records the graph gets at once: one, if a record's answer may depend on the others of its batch."""
    if not may_batch(package):
        return 1
    return TEXT_BATCH if package.manifest.task == "text-classification" else TABLE_BATCH


def chosen_list(scored: Scored, rows: NDArray[np.intp]) -> list[Answer]:
    """The answers of some rows one by one, as the API gives them."""
    if isinstance(scored.answers, list):
        return [scored.answers[row] for row in rows.tolist()]
    return answer_rows(chosen_answers(scored.answers, rows))


def described(problems: Sequence[FieldProblem]) -> str:
    """The problems of a row as one text."""
    return "; ".join(f"{problem.field}: {problem.message}" for problem in problems)


def missing_inputs(
    manifest: Manifest, columns: Sequence[str], entities: Mapping[str, str] | None = None
) -> tuple[list[str], list[str]]:
    """The columns that a file lacks: those that are required, and inputs with a default or nullable.

    ``entities`` has the entity of each feature group if features are read: its column is required in place of theirs.
    """
    owners = entities or {}
    required: dict[str, None] = {}
    optional = []
    for field in (field for field in manifest.inputs if field.name not in columns):
        owner = owners.get(field.group) if field.group else None
        if owner is not None:
            required |= {} if owner in columns else {owner: None}
        elif field.default is not None or field.nullable:
            optional.append(field.name)
        else:
            required[field.name] = None
    return list(required), optional
