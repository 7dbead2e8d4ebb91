"""The input and output of a job as folders of this machine."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from slipway.errors import InputError
from slipway.records.files import ENDINGS, format_of

_UNFINISHED = ".unfinished"


class InputFolder:
    """A file of records, or all files of records below a folder. Names that begin with ``_`` or ``.`` are left out."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def files(self) -> list[str]:
        """The names of the files, in order; raises InputError if there are none."""
        if self._path.is_file():
            format_of(self._path)
            return [self._path.name]
        if not self._path.is_dir():
            raise InputError.of(str(self._path), "no such file or folder")
        found = (each.relative_to(self._path).as_posix() for each in self._path.rglob("*") if each.is_file())
        return record_files(found, str(self._path))

    def open(self, name: str) -> BinaryIO:
        """Open a file; raises InputError if that fails."""
        path = self._path if self._path.is_file() else self._path / name
        try:
            return path.open("rb")
        except OSError as error:
            raise InputError.of(str(path), error.strerror or str(error)) from error


class OutputFolder:
    """The files of a job's output. Each appears whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __contains__(self, name: str) -> bool:
        return (self.path / name).exists()

    def names(self, folder: str = "") -> list[str]:
        """The names of the files directly in a folder of the output."""
        place = self.path / folder
        if not place.is_dir():
            return []
        return sorted(each.relative_to(self.path).as_posix() for each in place.iterdir() if each.is_file())

    def read(self, name: str) -> str | None:
        """The text of a file, or None if there is none."""
        with suppress(FileNotFoundError):
            return (self.path / name).read_text(encoding="utf-8")
        return None

    def write(self, name: str, text: str) -> None:
        """Write a file, in place of the one that is there."""
        with self.writing(name) as path:
            path.write_text(text, encoding="utf-8")

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        (self.path / name).unlink(missing_ok=True)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give a path to write to, which becomes the file once the block ends without an error."""
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = place.with_name(f"{_UNFINISHED}-{os.getpid()}-{place.name}")
        try:
            yield unfinished
            unfinished.replace(place)
        finally:
            unfinished.unlink(missing_ok=True)

    def clear_unfinished(self) -> None:
        """Remove what workers that were killed have left."""
        for place in (self.path, *(each for each in self.path.glob("*") if each.is_dir())):
            for left in place.glob(f"{_UNFINISHED}-*"):
                left.unlink(missing_ok=True)


def record_files(names: Iterable[str], source: str) -> list[str]:
    """The files of an input, in order, without hidden ones; raises InputError if one holds no records, or none is."""
    found = sorted(name for name in names if not _is_hidden(name))
    wrong = [name for name in found if not _is_records(name)]
    if wrong or not found:
        what = f"has {wrong[0]}, which must end in {ENDINGS}" if wrong else "has no files of records"
        raise InputError.of(source, what)
    return found


def _is_hidden(name: str) -> bool:
    return any(part.startswith(("_", ".")) for part in name.split("/"))


def _is_records(name: str) -> bool:
    try:
        format_of(Path(name))
    except InputError:
        return False
    return True
