"""The files of a history: where they lie, and how rows become files whose names say their content."""

import gzip
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from slipway.errors import InputError
from slipway.features.history.rows import HistoryRow

FOLDER = "history"
LINES = "lines"
PARQUET = "parquet"
_NAME_DIGITS = 32


class HistoryFiles(Protocol):
    """Stores the files of a history by key, such as ``history/group=g/lines/date=2026-01-31/….jsonl.gz``."""

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin with ``prefix``, sorted; raises UnavailableError."""
        ...

    def read(self, key: str) -> bytes:
        """A file's content; raises UnavailableError."""
        ...

    def put(self, key: str, content: bytes) -> None:
        """Store a file; one with the same key has the same content. Raises UnavailableError."""
        ...

    def delete(self, keys: Collection[str]) -> None:
        """Delete files; those that do not exist are no error. Raises UnavailableError."""
        ...


class HistoryFolder:
    """`HistoryFiles` in a folder of this machine, laid out as the bucket is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keys(self, prefix: str) -> list[str]:
        if not self.folder.is_dir():
            raise InputError.of(str(self.folder), "is not a folder")
        files = (file.relative_to(self.folder).as_posix() for file in self.folder.rglob("*") if file.is_file())
        return sorted(key for key in files if key.startswith(prefix))

    def read(self, key: str) -> bytes:
        return (self.folder / key).read_bytes()

    def put(self, key: str, content: bytes) -> None:
        file = self.folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def delete(self, keys: Collection[str]) -> None:
        for key in keys:
            (self.folder / key).unlink(missing_ok=True)


def group_folder(group: str) -> str:
    """The prefix of all files of a group."""
    return f"{FOLDER}/group={group}/"


def date_of(milliseconds: int) -> str:
    """The day (UTC) of a time, as keys have it."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d}"


def folder_of(row: HistoryRow) -> str:
    """The folder of a row: its group's, of the day on which it was written."""
    return f"{group_folder(row.group)}{LINES}/date={date_of(row.written_at)}"


def pack_rows(rows: Iterable[HistoryRow]) -> dict[str, bytes]:
    """Return compressed JSON Lines files by key, one for each group and day.

    A key contains a digest of the file's content, so storing the same rows again replaces the same file.
    """
    folders: Mapping[str, list[str]] = defaultdict(list)
    for row in rows:
        folders[folder_of(row)].append(row.line())
    return dict(_file(folder, lines) for folder, lines in folders.items())


def unpacked(content: bytes, key: str) -> bytes:
    """The text of a compressed file; raises InputError, which names it, if it is cut off or not gzip."""
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError.of(key, f"is not a whole gzip file: {error}") from error


def digest(content: bytes) -> str:
    """The name of a file with this content, before its ending."""
    return hashlib.sha256(content).hexdigest()[:_NAME_DIGITS]


def _file(folder: str, lines: list[str]) -> tuple[str, bytes]:
    content = "".join(f"{line}\n" for line in sorted(lines)).encode()
    return f"{folder}/{digest(content)}.jsonl.gz", gzip.compress(content, mtime=0)
