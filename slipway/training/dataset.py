"""A data set of training: one Parquet file of labelled records, split in time, with its rows and digest."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from slipway.errors import InputError
from slipway.records.parquet import parquet_file

ID, TIME, WEIGHT, SPLIT = "_id", "_time", "_weight", "_split"
KEPT = (ID, TIME, WEIGHT, SPLIT)
"""The columns of a data set that are neither an input nor an answer; no input's name begins with ``_``."""

MOST_RECORDS = 4000
"""The rows of the newest slice that a package is measured and judged on, at most."""


class Split(StrEnum):
    """The part of a data set that a row is in: all of `VALIDATION` is newer than all of `TRAIN`."""

    TRAIN = "train"
    VALIDATION = "validation"


@dataclass(frozen=True)
class DataSet:
    """A Parquet file.

    Attributes:
        path: the file, on this machine.
        rows: how many rows it has.
        sha256: its digest.
        train_rows: how many of them are for training; the others are the newest slice, for validation.
        since: the time of the oldest row.
        until: the time of the newest row.
        split_at: the time of the oldest row of the newest slice.
    """

    path: Path
    rows: int
    sha256: str
    train_rows: int
    since: datetime
    until: datetime
    split_at: datetime

    @property
    def validation_rows(self) -> int:
        """How many rows the newest slice has."""
        return self.rows - self.train_rows

    @property
    def slice_name(self) -> str:
        """The name of the newest slice among the data of quality figures."""
        return f"newest {self.validation_rows} of data {self.sha256[:12]}"

    def train(self) -> Any:
        """The rows to train on, oldest first, as a pyarrow table; see `table`."""
        return self.table(Split.TRAIN)

    def validation(self) -> Any:
        """The newest slice, oldest row first, as a pyarrow table; see `table`."""
        return self.table(Split.VALIDATION)

    def table(self, split: Split | None = None) -> Any:
        """Rows as a pyarrow table, by default all, oldest first.

        Its columns are every input of the model, ``label`` (a string, a list of strings, or a number; a column for each
        target of a regression with several), ``_weight``, ``_time`` (UTC) and ``_id``.
        """
        whole = self._whole.drop_columns([SPLIT])
        match split:
            case None:
                return whole
            case Split.TRAIN:
                return whole.slice(0, self.train_rows)
            case Split.VALIDATION:
                return whole.slice(self.train_rows)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all rows."""
        return frozenset(self._whole[ID].to_pylist())

    @cached_property
    def _whole(self) -> Any:
        from pyarrow import parquet

        return parquet.read_table(self.path)


def thinned(table: Any, most: int) -> Any:
    """At most ``most`` rows of a table, evenly chosen."""
    rows = table.num_rows
    return table if rows <= most else table.take([rows * at // most for at in range(most)])


def open_data_set(path: Path) -> DataSet:
    """Open a file that `slipway.training.assembling` wrote; raises InputError for any other."""
    from pyarrow import compute

    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        with parquet_file(stream, path.name) as file:
            if absent := [name for name in KEPT if name not in file.schema_arrow.names]:
                raise InputError.of(str(path), f"is not a data set of training: it has no column {', '.join(absent)}")
            kept = file.read(columns=[TIME, SPLIT])
    train = compute.sum(compute.equal(kept[SPLIT], Split.TRAIN.value)).as_py() or 0
    if not 0 < train < kept.num_rows:
        raise InputError.of(str(path), f"has {train} rows to train on and {kept.num_rows - train} for validation")
    times = kept[TIME]
    return DataSet(
        path=path,
        rows=kept.num_rows,
        sha256=digest,
        train_rows=train,
        since=times[0].as_py(),
        until=times[-1].as_py(),
        split_at=times[train].as_py(),
    )
