"""A callable that scores the tables of other engines: pandas, Arrow, or columns by name."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slipway.batch.parts import PREFIX, answer_schema, answers_table
from slipway.batch.scoring import Scored, Scorer, described
from slipway.errors import FieldProblem, InputError
from slipway.models.manifest import Manifest
from slipway.models.measurements.golden import prove
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor

if TYPE_CHECKING:
    import pyarrow

ERROR = f"{PREFIX}_error"
_SHOWN_PROBLEMS = 10

Wrong = Literal["raise", "null"]


class TableScorer:
    """Scores tables with one version; made by `scorer`. It can be pickled, and opens its package once a process."""

    def __init__(
        self, path: Path, *, threads: int, batch_size: int | None, task_modules: tuple[str, ...], wrong: Wrong
    ) -> None:
        self._path = path
        self._threads = threads
        self._batch_size = batch_size
        self._task_modules = task_modules
        self._wrong: Wrong = wrong
        self._opened: Scorer | None = None

    def __call__(self, table: Any) -> Any:
        """Score a table, and return one of the same kind with the answers beside its columns.

        Args:
            table: a pandas DataFrame, a pyarrow Table or RecordBatch, or a mapping of columns to arrays of one length.
                Columns that are no inputs are left as they are. An empty one tells the columns of the result.

        Returns:
            The table with ``prediction_version`` and, by the version's form, ``prediction_label``,
            ``prediction_score`` and ``prediction_scores_{label}`` (probabilities from 0 to 1), ``prediction_labels``,
            ``prediction_value`` or ``prediction_values_{target}``; the answer of a version's own task is JSON in
            ``prediction``. With ``wrong="null"``, ``prediction_error`` says why a row has none of these.

        Raises:
            InputError: a row is wrong and ``wrong`` is "raise", or the table is not one of these or has such a column.
        """
        import pyarrow as pa

        if isinstance(table, pa.Table):
            found = [self._scored(batch) for batch in table.combine_chunks().to_batches()]
            return pa.Table.from_batches(found or [self._scored(_empty(table.schema))])
        if isinstance(table, pa.RecordBatch):
            return self._scored(table)
        if isinstance(table, Mapping):
            scored = self._scored(pa.RecordBatch.from_pydict({name: _array(name, table[name]) for name in table}))
            added = scored.schema.names[len(table) :]
            return {**table, **{name: scored.column(name).to_numpy(zero_copy_only=False) for name in added}}
        return self._frame(table)

    @property
    def manifest(self) -> Manifest:
        """All of ``model.yaml``."""
        return self._scorer().predictor.manifest

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def _scorer(self) -> Scorer:
        if self._opened is None:
            package = load_package(self._path)
            predictor = Predictor(package, threads=self._threads, task_modules=self._task_modules)
            prove(predictor)
            self._opened = Scorer(predictor, batch_size=self._batch_size)
        return self._opened

    def _frame(self, frame: Any) -> Any:
        import pyarrow as pa

        if not (hasattr(frame, "columns") and hasattr(frame, "assign")):
            kinds = "a pandas DataFrame, a pyarrow Table or RecordBatch, or a mapping of columns"
            raise InputError.of("table", f"must be {kinds} (got {type(frame).__name__})")
        names = [str(name) for name in frame.columns]
        arrays = [_array(name, frame[column]) for name, column in zip(names, frame.columns, strict=True)]
        table = pa.RecordBatch.from_arrays(arrays, names) if names else _empty(pa.schema([]))
        added = self._scored(table).select(self._added()).to_pandas()
        added.index = frame.index
        return frame.assign(**{name: added[name] for name in added.columns})

    def _added(self) -> list[str]:
        return [*_flat(answer_schema(self.manifest)).names, *([ERROR] if self._wrong == "null" else [])]

    def _scored(self, table: "pyarrow.RecordBatch") -> "pyarrow.RecordBatch":
        import pyarrow as pa

        if taken := sorted(set(table.schema.names) & set(self._added())):
            raise InputError.of("table", f"has the column {', '.join(taken)}, which the result gets; rename it")
        scored = self._scorer().score(table)
        if scored.rejected and self._wrong == "raise":
            raise InputError(_problems(scored))
        answers = _flattened(_in_place(answers_table(scored, self.manifest), scored, table.num_rows))
        columns = [*table.columns, *answers.columns]
        schema = [*table.schema, *answers.schema]
        if self._wrong == "null":
            columns.append(pa.array(_errors(scored, table.num_rows), pa.string()))
            schema.append(pa.field(ERROR, pa.string()))
        return pa.RecordBatch.from_arrays(columns, schema=pa.schema(schema))


def scorer(
    path: str | os.PathLike[str],
    *,
    threads: int = 1,
    batch_size: int | None = None,
    task_modules: Iterable[str] = (),
    wrong: Wrong = "raise",
) -> TableScorer:
    """Make a callable that scores tables with one version, in this process or in those of another engine.

    Args:
        path: the folder of the version, e.g. ``models/flight-delay/2``; each process that scores must have it.
        threads: how many threads one call may use, from 1. Engines run a task for each processor: leave it at 1.
        batch_size: how many rows the graph gets at once, from 1; None for 32 texts or 4,096 rows of a table.
        task_modules: the modules whose classes a manifest may name as its task. Importing a module runs its code.
        wrong: what becomes of rows that the version refuses: "raise" an `InputError` that names them, or "null".

    Raises:
        InputError: ``threads``, ``batch_size`` or ``wrong`` is none of these.
        PackageError: the package cannot be loaded; it is looked at at once, so that no worker finds out.
        GoldenError: the version does not give the answers that its golden records expect.
    """
    if threads < 1:
        raise InputError.of("threads", f"must be at least 1 (got {threads})")
    if wrong not in ("raise", "null"):
        raise InputError.of("wrong", f"must be 'raise' or 'null' (got {wrong!r})")
    made = TableScorer(
        Path(path).resolve(), threads=threads, batch_size=batch_size, task_modules=tuple(task_modules), wrong=wrong
    )
    made.manifest  # noqa: B018 - opens the package
    return made


def _array(name: str, values: Any) -> "pyarrow.Array":
    """A column as Arrow has it; NaN in a column of objects is null, as pandas means it."""
    import pyarrow as pa

    try:
        found = pa.array(values, from_pandas=True)
    except pa.ArrowException as error:
        raise InputError.of(str(name), f"is no column of one type: {error}") from error
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _empty(schema: "pyarrow.Schema") -> "pyarrow.RecordBatch":
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _in_place(answers: "pyarrow.RecordBatch", scored: Scored, rows: int) -> "pyarrow.RecordBatch":
    """The answers in the rows that they are of, and null in the others."""
    import numpy as np
    import pyarrow as pa

    if not scored.rejected:
        return answers
    place = np.full(rows, -1)
    place[scored.right] = np.arange(len(scored.right))
    return answers.take(pa.array(place, mask=place < 0))


def _flat(schema: "pyarrow.Schema") -> "pyarrow.Schema":
    """The columns of answers, with each struct as columns of their own."""
    import pyarrow as pa

    fields = []
    for field in schema:
        if pa.types.is_struct(field.type):
            inner = [field.type.field(at) for at in range(field.type.num_fields)]
            fields += [pa.field(f"{field.name}_{each.name}", each.type) for each in inner]
        else:
            fields.append(field)
    return pa.schema(fields)


def _flattened(answers: "pyarrow.RecordBatch") -> "pyarrow.RecordBatch":
    import pyarrow as pa

    arrays: list[Any] = []
    for field, column in zip(answers.schema, answers.columns, strict=True):
        arrays += column.flatten() if pa.types.is_struct(field.type) else [column]
    return pa.RecordBatch.from_arrays(arrays, schema=_flat(answers.schema))


def _problems(scored: Scored) -> list[FieldProblem]:
    found = [
        FieldProblem(f"row {each.row}, {problem.field}", problem.message)
        for each in scored.rejected
        for problem in each.problems
    ]
    return found[:_SHOWN_PROBLEMS]


def _errors(scored: Scored, rows: int) -> list[str | None]:
    errors: list[str | None] = [None] * rows
    for each in scored.rejected:
        errors[each.row] = described(each.problems)
    return errors
