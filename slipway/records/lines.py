"""The lines of a stream of UTF-8, within bounded memory."""

from collections.abc import Iterator
from typing import BinaryIO

from slipway.errors import InputError
from slipway.records.rows import RECORD_BYTES

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What other files begin with, and what to do about it.
_OTHER_FORMATS = {
    b"\xff\xfe": "is UTF-16; save it as UTF-8",
    b"\xfe\xff": "is UTF-16; save it as UTF-8",
    b"\x1f\x8b": "is compressed with gzip; unpack it first",
    b"PK\x03\x04": "is a ZIP archive or a spreadsheet; save it as CSV",
    b"PAR1": "is Parquet; name it .parquet",
}
_SKIPPED_BYTES = 1024 * 1024


class TooLong(Exception):
    """A record is longer than `RECORD_BYTES`."""


class Lines:
    r"""Yields each line with its end. Lines end at \n only: JSON may hold U+2028 and U+0085 as they are.

    A byte that is not UTF-8 becomes a lone surrogate, so that `not_utf8` finds the record and column that it is in.

    Raises:
        InputError: the stream begins as a file of another format does.
        TooLong: the lines since `begin` exceed `RECORD_BYTES`.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.number = 0
        self._stream = stream
        self._taken = 0
        self._first = stream.readline(RECORD_BYTES + 1)
        for start, message in _OTHER_FORMATS.items():
            if self._first.startswith(start):
                raise InputError.of(name, message)
        self._first = self._first.removeprefix(_BYTE_ORDER_MARK)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line, self._first = self._first or self._stream.readline(RECORD_BYTES + 1 - self._taken), b""
        if not line:
            raise StopIteration
        self.number += 1
        self._taken += len(line)
        if self._taken > RECORD_BYTES:
            self._skip(line)
            raise TooLong
        return line.decode("utf-8", "surrogateescape")

    def begin(self) -> int:
        """Begin a record; returns the number of its first line."""
        self._taken = 0
        return self.number + 1

    def _skip(self, line: bytes) -> None:
        """Read on to the end of a line that is too long."""
        while line and not line.endswith(b"\n"):
            line = self._stream.readline(_SKIPPED_BYTES)


def not_utf8(text: str) -> str | None:
    """Name the first byte of a line's text that was not UTF-8; None if all were."""
    if text.isascii():
        return None
    for character in text:
        if "\udc80" <= character <= "\udcff":
            return f"has the byte 0x{ord(character) - 0xDC00:02X}, which is not UTF-8; save the file as UTF-8"
    return None
