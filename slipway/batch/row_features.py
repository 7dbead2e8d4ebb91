"""Complete rows with the features of the entities that they name, as the API completes the records of a request.

A row's own value comes first. A feature that it lacks is read, and the row must name the entity then. A nullable input
without a value, in a column of its name, is a missing value and not read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slipway.batch.features import FeatureReader
from slipway.errors import FieldProblem
from slipway.features.event_times import read_moment
from slipway.features.history.entities import times_of
from slipway.features.history.joining import Longs
from slipway.features.store import to_milliseconds
from slipway.models.entities import ID_CHARACTERS, entities_of_groups
from slipway.models.manifest import InputField, Manifest, Record
from slipway.models.schema import RequestRecord, StoredFeatures
from slipway.records.parquet import column_values

if TYPE_CHECKING:
    import pyarrow

Mask = NDArray[np.bool_]
Problems = tuple[FieldProblem, ...]


@dataclass(frozen=True, slots=True)
class FilledTable:
    """A table in which inputs have their features; rows of ``wrong`` lack the entity or the time to read them by."""

    table: "pyarrow.RecordBatch"
    wrong: Mask


@dataclass(frozen=True)
class RowFeatures:
    """Reads the features that the rows of a version lack.

    ``owners`` are the entities of all groups of slipway.yaml, and ``time_column`` has each row's time if features are
    read as they were then.
    """

    manifest: Manifest
    owners: Mapping[str, str]
    reader: FeatureReader
    time_column: str | None = None

    @cached_property
    def entities(self) -> dict[str, str]:
        """The entity of each feature group of the version; raises ConfigError if slipway.yaml lacks a group."""
        return entities_of_groups(self.manifest, self.owners)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns besides the inputs that reading needs."""
        return (*dict.fromkeys(self.entities.values()), *([self.time_column] if self.time_column else []))

    def fill(self, table: "pyarrow.RecordBatch") -> FilledTable | None:
        """Fill the inputs of a whole table; None if its rows must be looked at one by one."""
        wrong = np.zeros(table.num_rows, bool)
        filled: dict[str, Any] = {name: table.column(name) for name in table.schema.names}
        for group, entity in self.entities.items():
            fields = [field for field in self.manifest.inputs if field.group == group]
            lacking = {field.name: ~_given(field, table) for field in fields}
            needs = np.logical_or.reduce(list(lacking.values()))
            ids, named, is_id = entity_ids(table, entity)
            times, timed = self._times(table, needs)
            wrong |= (named & ~is_id) | (needs & ~(named & timed))
            read = (needs & is_id & timed).nonzero()[0]
            if not len(read):
                continue
            found = self.reader.read(group, ids.take(read), times[read])
            for name in (name for name, missing in lacking.items() if missing.any()):
                column = _placed(found.column(name), read, table.num_rows)
                filled[name] = _coalesced(table, name, column)
                if filled[name] is None:
                    return None
        return FilledTable(_batch(filled), wrong)

    def stored(self, asked: Sequence[tuple[RequestRecord, Record]]) -> Sequence[StoredFeatures | Problems]:
        """The features that records need, each beside its row; what is wrong with the row's time in their place."""
        found: list[dict[str, Any] | Problems] = [{} for _ in asked]
        wanted: dict[str, list[tuple[int, str, int]]] = {}
        for at, (record, row) in enumerate(asked):
            needs, time = record.to_fetch(), 0
            if needs and self.time_column is not None:
                try:
                    time = _moment(row.get(self.time_column))
                except ValueError as error:
                    found[at] = (FieldProblem(self.time_column, str(error)),)
                    continue
            for group, id_ in needs.items():
                wanted.setdefault(group, []).append((at, id_, time))
        for group, places in wanted.items():
            self._read(group, places, found)
        return found

    def _read(self, group: str, places: Sequence[tuple[int, str, int]], found: list[Any]) -> None:
        import pyarrow as pa

        ids = pa.array([id_ for _, id_, _ in places], pa.string())
        rows = self.reader.read(group, ids, np.array([time for _, _, time in places], np.int64))
        for number, (at, _, _) in enumerate(places):
            found[at][group] = rows.row(number)

    def _times(self, table: "pyarrow.RecordBatch", needs: Mask) -> tuple[Longs, Mask]:
        """The times of rows, and which of them are times; all are where time does not matter or none is needed."""
        none, all_ = np.zeros(table.num_rows, np.int64), np.ones(table.num_rows, bool)
        if self.time_column is None or not needs.any():
            return none, all_
        if self.time_column not in table.schema.names:
            return none, ~all_
        return _times(table.column(self.time_column))


def entity_text(value: object) -> object:
    """The id that a cell holds: whole numbers are read as text, as everywhere, and an empty cell names nothing."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None if value == "" else value


def _given(field: InputField, table: "pyarrow.RecordBatch") -> Mask:
    """Which rows give a value themselves."""
    from pyarrow import types

    if field.name not in table.schema.names:
        return np.zeros(table.num_rows, bool)
    if field.nullable and field.default is None:
        return np.ones(table.num_rows, bool)
    column = table.column(field.name)
    there: Mask = column.is_valid().to_numpy(zero_copy_only=False)
    if field.nullable and types.is_floating(column.type):
        there = there & ~np.isnan(column.fill_null(0).to_numpy(zero_copy_only=False))
    return there


def entity_ids(table: "pyarrow.RecordBatch", entity: str) -> tuple["pyarrow.StringArray", Mask, Mask]:
    """The ids of an entity as text, which rows name one, and whose is an id."""
    import pyarrow as pa
    from pyarrow import compute

    if entity not in table.schema.names:
        nothing = np.zeros(table.num_rows, bool)
        return pa.nulls(table.num_rows, pa.string()), nothing, nothing
    column = table.column(entity)
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        named = column.is_valid().to_numpy(zero_copy_only=False)
        return pa.nulls(table.num_rows, pa.string()), named, np.zeros(table.num_rows, bool)
    ids = column.cast(pa.string())
    length = compute.utf8_length(ids).fill_null(0).to_numpy(zero_copy_only=False)
    return ids, length > 0, (length > 0) & (length <= ID_CHARACTERS)


def _placed(column: Any, rows: NDArray[np.intp], count: int) -> Any:
    """A column of some rows in a table of ``count`` rows, null in the others."""
    import pyarrow as pa

    if column is None or len(rows) == count:
        return column
    places = np.full(count, -1)
    places[rows] = np.arange(len(rows))
    return column.take(pa.array(places, mask=places < 0))


def _coalesced(table: "pyarrow.RecordBatch", name: str, column: Any) -> Any:
    """The rows' own values, and those of ``column`` where there are none; None if they are of different types."""
    from pyarrow import compute, types

    if column is None or name not in table.schema.names or types.is_null(table.column(name).type):
        return column
    own = table.column(name)
    if own.type != column.type:
        return None
    if types.is_floating(own.type) and compute.any(compute.is_nan(own)).as_py():
        return None  # the records' checks say whether a NaN is a missing value
    return compute.coalesce(own, column)


def _batch(columns: Mapping[str, Any]) -> "pyarrow.RecordBatch":
    import pyarrow as pa

    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _times(column: "pyarrow.Array") -> tuple[Longs, Mask]:
    """Times in milliseconds since 1970, and which values are times."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        there: Mask = column.is_valid().to_numpy(zero_copy_only=False)
        whole = column.fill_null(pa.scalar(0, column.type))
        return times_of(pa.table({"time": whole}), "time", first=1), there
    return _read_times(column_values(column))


def _read_times(values: Iterable[object]) -> tuple[Longs, Mask]:
    known: dict[object, int | None] = {}
    found: list[int | None] = []
    for value in values:
        if isinstance(value, list | dict):
            found.append(None)
            continue
        if value not in known:
            try:
                known[value] = _moment(value)
            except ValueError:
                known[value] = None
        found.append(known[value])
    times = np.array([0 if each is None else each for each in found], np.int64)
    return times, np.array([each is not None for each in found], bool)


def _moment(value: object) -> int:
    """A time in milliseconds since 1970; raises ValueError that says what is wrong."""
    if value is None or value == "":
        raise ValueError("is required, because the record's features are read as they were at its time")
    return to_milliseconds(read_moment(value))
