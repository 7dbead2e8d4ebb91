"""Write joined rows as CSV, JSON Lines or Parquet, by the ending of the file's name."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from slipway.errors import InputError

ENDINGS = (".csv", ".jsonl", ".parquet")
_LINES_AT_ONCE = 10_000


class Output(Protocol):
    """Takes tables of the same columns."""

    def write(self, table: Any) -> None: ...

    def close(self) -> None: ...


@contextmanager
def open_output(path: Path) -> Iterator[Output]:
    """Write to ``path``; the file is there only once everything is written. Raises InputError for another ending."""
    writers: dict[str, Callable[[Path], Output]] = {
        ".csv": _CsvOutput,
        ".jsonl": _JsonOutput,
        ".parquet": _ParquetOutput,
    }
    kind = writers.get(path.suffix.lower())
    if kind is None:
        raise InputError.of(str(path), f"must end in {', '.join(ENDINGS)}")
    draft = path.with_name(f".{path.name}.part")
    try:
        output = kind(draft)
        try:
            yield output
        finally:
            output.close()
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


class _ParquetOutput:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def write(self, table: Any) -> None:
        from pyarrow import parquet

        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class _CsvOutput:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def write(self, table: Any) -> None:
        from pyarrow import csv

        if self._writer is None:
            self._writer = csv.CSVWriter(
                self._path, table.schema, write_options=csv.WriteOptions(quoting_style="needed")
            )
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class _JsonOutput:
    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def write(self, table: Any) -> None:
        for batch in table.to_batches(_LINES_AT_ONCE):
            self._file.writelines(
                f"{json.dumps(row, ensure_ascii=False, default=_text)}\n" for row in batch.to_pylist()
            )

    def close(self) -> None:
        self._file.close()


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
