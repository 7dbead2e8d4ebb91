"""Read the captures of a file or a folder on this machine, one at a time."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from slipway.errors import InputError
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import captures_in

OPTION = "--captures"
_PATTERN = "*.jsonl.gz"


class SeenIds:
    """Ids that came before, in a temporary file, so that memory stays flat in their number."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # SQLite's name for a database in a file that it deletes
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, identifier: str) -> bool:
        """Keep an id; returns whether it is new."""
        return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (identifier,)).rowcount == 1

    def close(self) -> None:
        """Delete the file."""
        self._database.close()


def captures_here(place: Path, model: str) -> Iterator[Capture]:
    """The captures of a model in a file or in all files below a folder, each once; they are read as they are iterated.

    Raises:
        InputError: there is no such place, or it has no captures.
    """
    files = _files(place)
    with closing(SeenIds()) as seen:
        for file in files:
            for capture in _captures(file, named=file == place):
                if capture.model == model and seen.add(capture.id):
                    yield capture


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    found = sorted(place.rglob(_PATTERN))
    if not found:
        raise InputError.of(OPTION, f"{place} has no file {_PATTERN}" if place.is_dir() else f"there is no {place}")
    return found


def _captures(file: Path, *, named: bool) -> Iterator[Capture]:
    """The captures of a file without broken lines; one that was ``named`` must have some."""
    empty = True
    try:
        with file.open("rb") as stream:
            for capture in captures_in(stream):
                if isinstance(capture, Capture):
                    empty = False
                    yield capture
    except OSError as error:
        raise InputError.of(OPTION, f"{file} cannot be read: {error.strerror or error}") from error
    if empty and named:
        raise InputError.of(OPTION, f"{file} has no captures: it must be JSON Lines in gzip, as the bucket's files are")
