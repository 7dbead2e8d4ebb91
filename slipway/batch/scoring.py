"""Score Arrow tables and rows with a version: what jobs and the callable for other engines are made of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from slipway.batch.columns import CheckedColumns, checked_columns
from slipway.config.validation import field_problems
from slipway.errors import FieldProblem, InputError, PredictionError
from slipway.models.embedded import whole_record_model
from slipway.models.manifest import BUILT_IN_TASKS, Manifest, Record
from slipway.models.missing_values import Column, file_record
from slipway.models.prediction.answer_columns import AnswerColumns, answer_columns, columns_of
from slipway.models.prediction.answers import Answer, is_judged
from slipway.models.prediction.predictor import Predictor
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


@dataclass(frozen=True, slots=True)
class Scored:
    """The answers to the rows ``right`` of a table, in order, and the rows that were rejected.

    ``answers`` is a list of JSON objects if they are of a task of the user's own.
    """

    right: NDArray[np.intp]
    answers: AnswerColumns | list[Answer]
    rejected: tuple[Rejected, ...]


class Scorer:
    """Scores Arrow tables with one version. Columns that are not inputs are left alone."""

    def __init__(self, predictor: Predictor, *, batch_size: int | None = None) -> None:
        if batch_size is not None and batch_size < 1:
            raise InputError.of("batch_size", f"must be at least 1 (got {batch_size})")
        manifest = predictor.manifest
        self._predictor = predictor
        self._manifest = manifest
        self._record = whole_record_model(manifest)
        self._built_in = manifest.task in BUILT_IN_TASKS
        self._size = batch_size or (TEXT_BATCH if manifest.task == "text-classification" else TABLE_BATCH)
        self._columns = {
            field.name: Column(field.type, field.nullable, field.default is not None) for field in manifest.inputs
        }

    @property
    def predictor(self) -> Predictor:
        """The version that scores."""
        return self._predictor

    @property
    def columns(self) -> Mapping[str, Column]:
        """The inputs as columns of a file."""
        return self._columns

    def score(self, table: "pyarrow.RecordBatch") -> Scored:
        """Score every row of a table; rows that are wrong, or on which the graph fails, are rejected."""
        checked = checked_columns(self._manifest, table) if self._built_in else None
        if checked is None:
            return self._by_record(self._records(table))
        right = checked.right.nonzero()[0]
        answers = self._by_column(checked, right)
        wrong = (~checked.right).nonzero()[0]
        rejected = self._by_record(self._records(table.take(wrong)) if len(wrong) else ())
        # The records' checks have the last word, should the two ever differ.
        if answers is None or len(rejected.right):
            return self._by_record(self._records(table))
        return Scored(
            right, answers, tuple(Rejected(int(wrong[each.row]), each.problems) for each in rejected.rejected)
        )

    def score_rows(self, rows: Sequence[Row | Refusal], *, is_text: bool = False) -> Scored:
        """Score the rows of a file, whose values are text if it is delimited; refusals are rejected as they are."""
        return self._by_record(rows, is_text=is_text)

    def _by_column(self, checked: CheckedColumns, right: NDArray[np.intp]) -> AnswerColumns | None:
        """The answers to the right rows; None if the graph fails, or returns what must be looked at row by row."""
        whole = len(right) == len(checked.right)
        parts: list[NDArray[Any]] = []
        try:
            for first in range(0, len(right), self._size):
                end = first + self._size
                chosen = checked.rows(slice(first, end) if whole else right[first:end])
                parts.append(self._predictor.predict_columns(chosen))
        except PredictionError:
            return None
        if not parts:
            return columns_of(self._manifest.outputs.form, [])
        return answer_columns(self._manifest.outputs, np.concatenate(parts))

    def _records(self, table: "pyarrow.RecordBatch") -> list[Row | Refusal]:
        return table_rows(table.select([name for name in table.schema.names if name in self._columns]))

    def _by_record(self, rows: Sequence[Row | Refusal], *, is_text: bool = False) -> Scored:
        records: dict[int, Record] = {}
        rejected: list[Rejected] = []
        for number, row in enumerate(rows):
            if isinstance(row, Refusal):
                rejected.append(Rejected(number, row.problems))
                continue
            try:
                records[number] = self._whole(row.values, is_text=is_text)
            except ValidationError as error:
                rejected.append(Rejected(number, tuple(field_problems(error))))
        answers: dict[int, Answer] = {}
        for number, answer in zip(records, self._answers(list(records.values())), strict=True):
            if isinstance(answer, PredictionError):
                rejected.append(Rejected(number, (FieldProblem(WHOLE, str(answer)),)))
            else:
                answers[number] = answer
        rejected.sort(key=lambda each: each.row)
        return Scored(np.array(list(answers), np.intp), self._shaped(list(answers.values())), tuple(rejected))

    def _whole(self, row: Record, *, is_text: bool) -> Record:
        values = {name: value for name, value in row.items() if name in self._columns}
        return self._record.model_validate(file_record(values, self._columns, is_text=is_text)).complete()

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


def described(problems: Sequence[FieldProblem]) -> str:
    """The problems of a row as one text."""
    return "; ".join(f"{problem.field}: {problem.message}" for problem in problems)


def missing_inputs(manifest: Manifest, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The inputs that are not among the columns: those that are required, and those with a default or nullable."""
    absent = [field for field in manifest.inputs if field.name not in columns]
    optional = [field.name for field in absent if field.default is not None or field.nullable]
    return [field.name for field in absent if field.name not in optional], optional
