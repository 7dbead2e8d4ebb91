"""A data set of training: one Parquet file of labelled records, split in time, with its rows and digest."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any


class Split(StrEnum):
    """The part of a data set that a row is in: all of `VALIDATION` is newer than all of `TRAIN`."""

    TRAIN = "train"
    VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
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

    def train(self) -> Any:
        """The rows to train on, oldest first, as a pyarrow table; see `table`."""
        return self.table(Split.TRAIN)

    def validation(self) -> Any:
        """The newest slice, oldest row first, as a pyarrow table; see `table`."""
        return self.table(Split.VALIDATION)

    def table(self, split: Split | None = None) -> Any:
        """Rows as a pyarrow table, by default all, oldest first.

        Its columns are every input of the model, ``label`` (a string, a list of strings, or a number; a column for each
        target of a regression with several), ``weight``, ``time`` (UTC) and ``id``.
        """
        raise NotImplementedError
