"""Open a file or a body of records: CSV, TSV, JSON Lines or Parquet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from slipway.errors import InputError
from slipway.records.delimited import Delimited
from slipway.records.json_lines import json_rows
from slipway.records.lines import Lines
from slipway.records.parquet import open_parquet
from slipway.records.rows import Records


class Format(StrEnum):
    """How records are written, by the ending of their file's name."""

    CSV = ".csv"
    TSV = ".tsv"
    JSON_LINES = ".jsonl"
    PARQUET = ".parquet"


_ENDINGS = {each.value: each for each in Format} | {".ndjson": Format.JSON_LINES}
ENDINGS = ".csv, .tsv, .jsonl, .ndjson or .parquet"


@contextmanager
def open_records(path: Path) -> Iterator[Records]:
    """Open a file, and read its header if it has one. Its rows are read while they are iterated.

    Raises:
        InputError: the file cannot be opened, or its ending, encoding or header is wrong; names the path.
    """
    name, kind = str(path), format_of(path)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError.of(name, error.strerror or str(error)) from error
    with stream:
        if kind is not Format.PARQUET:
            yield read_stream(stream, kind, name)
            return
        with open_parquet(stream, name) as (columns, rows):
            yield Records(path.name, columns, is_text=False, rows=rows)


def read_stream(stream: BinaryIO, kind: Format, name: str, columns: Sequence[str] | None = None) -> Records:
    """The records of a stream that is not Parquet; with ``columns``, CSV has no header.

    Raises:
        InputError: as `open_records`.
    """
    lines, short = Lines(stream, name), Path(name).name
    if kind is Format.JSON_LINES:
        return Records(short, None, is_text=False, rows=json_rows(lines))
    table = Delimited(lines, name, tabs=kind is Format.TSV, columns=columns)
    return Records(short, table.columns, is_text=True, rows=table.rows())


def header_of(stream: BinaryIO, kind: Format, name: str) -> tuple[str, ...] | None:
    """The names in the header of a stream of text, of which some may be empty; None for JSON Lines, which has none.

    Raises:
        InputError: as `open_records`.
    """
    lines = Lines(stream, name)
    return None if kind is Format.JSON_LINES else Delimited(lines, name, tabs=kind is Format.TSV).names


def format_of(path: Path) -> Format:
    """The format that a file's name ends in; raises InputError for another."""
    found = _ENDINGS.get(path.suffix.lower())
    if found is None:
        raise InputError.of(str(path), f"must end in {ENDINGS}")
    return found
