"""The outbox of a device: what is to be sent home, in one bounded file that is only appended to.

Each line is an `Entry`. A torn last line, as after a loss of power, is passed over. What was sent is
dropped from the file. Several processes may add to it; one sends.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.models.manifest import Scalar

MOST_BYTES = 16 * 1024 * 1024
_MOST_SIGNED = 10_000
# No line of a record that the API takes is longer; a longer one is neither added nor read.
_LINE_BYTES = 1024 * 1024


class Kept(BaseModel):
    """A prediction that was made on the device: ``random`` is the unique part of its id, the record is whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    version: Annotated[int, Field(ge=1)]
    random: Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
    record: dict[str, Scalar | None]

    @property
    def id(self) -> str:
        """The device's own id of the prediction, which is not signed."""
        return f"{self.model}.{self.version}.{self.random}"


class Said(BaseModel):
    """Feedback on a prediction, by the device's own id; ``body`` has the other fields of the API's feedback."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prediction_id: str
    body: dict[str, Any]


class Entry(BaseModel):
    """A line of the outbox: one of the two."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prediction: Kept | None = None
    feedback: Said | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An entry, or None for a line that is none, and where the next line begins."""

    entry: Entry | None
    end: int


class Outbox:
    """The outbox in a folder, which is made if it is missing.

    Args:
        folder: the folder of its three files: the entries, how far they were sent, and the signed ids.
        most_bytes: the size from which nothing more is added.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._entries = folder / "entries.jsonl"
        self._sent = folder / "sent"
        self._signed = folder / "signed.json"
        self._lock = folder / "lock"
        self._most_bytes = most_bytes

    def add(self, entry: Entry) -> bool:
        """Append an entry; False if it is too long or the outbox is full, and the entry is dropped."""
        line = entry.model_dump_json(exclude_none=False).encode() + b"\n"
        with self._locked(), self._entries.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            if len(line) > _LINE_BYTES or size + len(line) > self._most_bytes:
                return False
            file.write(line if _is_whole(file, size) else b"\n" + line)
        return True

    def waiting(self) -> Iterator[Line]:
        """The lines that were not sent yet, in order."""
        if not self._entries.exists():
            return
        with self._entries.open("rb") as file:
            end = file.seek(self._position())
            while line := file.readline(_LINE_BYTES):
                end += len(line)
                if not line.endswith(b"\n") and len(line) < _LINE_BYTES:
                    return  # it is being written, or was torn
                yield Line(_parsed(line), end)

    def bytes_waiting(self) -> int:
        """The bytes that were not sent yet."""
        return self._size() - self._position()

    def sent_until(self, end: int) -> None:
        """Note that everything before ``end`` was sent; if that is all, empty the file."""
        with self._locked():
            if end < self._size():
                _write_whole(self._sent, str(end).encode())
                return
            # The position first: after a crash here all is sent again, which changes nothing.
            self._sent.unlink(missing_ok=True)
            self._entries.write_bytes(b"")

    def drop_sent(self) -> None:
        """Drop the lines that were sent, so that they take no room from those that wait."""
        with self._locked():
            if not (position := self._position()):
                return
            with self._entries.open("rb") as file:
                file.seek(position)
                rest = file.read()
            # The position first: after a crash here all is sent again, which changes nothing.
            self._sent.unlink(missing_ok=True)
            _write_whole(self._entries, rest)

    def signed(self) -> dict[str, str]:
        """The API's ids of the last predictions that were sent, by the device's."""
        try:
            found: dict[str, str] = json.loads(self._signed.read_bytes())
        except (OSError, ValueError):
            return {}
        return found

    def add_signed(self, ids: Mapping[str, str]) -> None:
        """Keep the API's ids; the oldest of more than ten thousand are dropped."""
        all_ids = list({**self.signed(), **ids}.items())[-_MOST_SIGNED:]
        _write_whole(self._signed, json.dumps(dict(all_ids)).encode())

    def _size(self) -> int:
        return self._entries.stat().st_size if self._entries.exists() else 0

    def _position(self) -> int:
        try:
            position = int(self._sent.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0
        return position if position <= self._size() else 0

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock.open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _is_whole(file: Any, size: int) -> bool:
    if size == 0:
        return True
    file.seek(size - 1)
    return bool(file.read(1) == b"\n")


def _parsed(line: bytes) -> Entry | None:
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return None


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
