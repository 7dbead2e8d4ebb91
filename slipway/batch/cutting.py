"""Cut a file into shards at the ends of records, in one pass over its bytes and with bounded memory."""

import csv
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from slipway.batch.shards import Shard
from slipway.records.files import Format, header_of
from slipway.records.parquet import row_group_sizes
from slipway.records.rows import RECORD_BYTES

TEXT_BYTES = 16 * 1024 * 1024
"""A shard of text has about so many bytes; a worker holds one in memory."""

GROUP_ROWS = 100_000
"""Row groups of Parquet that are smaller are put together until they have so many rows."""

_PIECE_BYTES = 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NEWLINE, _RETURN, _SPACE = ord("\n"), ord("\r"), ord(" ")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole records: where they end, and how many records and lines they are."""

    end: int
    records: int
    lines: int


@dataclass(frozen=True, slots=True)
class _File:
    """A file by its name, its format and its SHA-256."""

    name: str
    format: Format
    source: str


def cut(
    stream: BinaryIO, name: str, format_: Format, first_number: int = 0, most_rows: int | None = None
) -> list[Shard]:
    """The shards of a file, numbered from ``first_number``; raises InputError if it cannot be read at all.

    One that has ``most_rows`` rows takes no more: a megabyte of text, a row group.
    """
    source, quoted = _looked_through(stream)
    file = _File(name, format_, source)
    if format_ is Format.PARQUET:
        return list(_groups(row_group_sizes(stream, name), file, first_number, most_rows))
    names = header_of(stream, format_, name)
    stream.seek(0)
    if stream.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
        stream.seek(0)
    begin = stream.tell()
    quotes = quoted and format_ is Format.CSV
    pieces = _parsed(stream, begin, most_rows) if quotes else _split(stream, begin, format_, most_rows)
    return list(_texts(pieces, file, names, begin, first_number))


def _looked_through(stream: BinaryIO) -> tuple[str, bool]:
    """The SHA-256 of a file, and whether a quote is in it."""
    digest, quoted = hashlib.sha256(), False
    while piece := stream.read(_PIECE_BYTES):
        digest.update(piece)
        quoted = quoted or b'"' in piece
    stream.seek(0)
    return digest.hexdigest(), quoted


def _groups(sizes: list[int], file: _File, number: int, most_rows: int | None) -> Iterator[Shard]:
    begin = first_row = rows = 0
    enough = min(GROUP_ROWS, most_rows or GROUP_ROWS)
    for group, size in enumerate(sizes):
        rows += size
        if rows >= enough or (group == len(sizes) - 1 and rows):
            yield Shard(number, file.name, file.format, file.source, begin, group + 1, first_row, rows)
            number, begin, first_row, rows = number + 1, group + 1, first_row + rows, 0


def _texts(
    pieces: Iterator[_Piece], file: _File, names: tuple[str, ...] | None, begin: int, number: int
) -> Iterator[Shard]:
    """The pieces with a record other than the header, which stays in the first of them."""
    header = 0 if names is None else 1
    row = lines = records = further = 0
    for piece in pieces:
        records, further = records + piece.records, further + piece.lines
        rows, columns = records - header, None if header else names
        if rows > 0:
            yield Shard(number, file.name, file.format, file.source, begin, piece.end, row, rows, lines + 1, columns)
            number, row, header = number + 1, row + rows, 0
            begin, lines = piece.end, lines + further
            records = further = 0


def _split(stream: BinaryIO, begin: int, format_: Format, most_rows: int | None) -> Iterator[_Piece]:
    """Pieces of a text in which a line is a record, unless it is empty."""
    counted = _blank_json if format_ is Format.JSON_LINES else _blank_row
    position = at = begin
    records = lines = 0
    rest = b""
    while block := stream.read(_PIECE_BYTES):
        last = block.rfind(b"\n") + 1
        if last:
            whole, rest = rest + block[:last], block[last:]
            at, lines, records = position + last, lines + whole.count(b"\n"), records + _records(whole, counted)
            if at - begin >= TEXT_BYTES or _is_full(records, most_rows):
                yield _Piece(at, records, lines)
                begin, records, lines = at, 0, 0
        elif len(rest) <= RECORD_BYTES:  # of a longer line, the reader refuses all
            rest += block
        position += len(block)
    if rest:
        lines, records = lines + 1, records + _records(rest + b"\n", counted)
    if records:
        yield _Piece(position, records, lines)


def _is_full(records: int, most_rows: int | None) -> bool:
    return most_rows is not None and records >= most_rows


def _records(text: bytes, is_blank: Callable[[NDArray[Any], NDArray[Any], NDArray[Any]], NDArray[np.bool_]]) -> int:
    """The lines that are not empty; the text ends with one."""
    found = np.frombuffer(text, np.uint8)
    ends = (found == _NEWLINE).nonzero()[0]
    begins = np.concatenate(([0], ends[:-1] + 1))
    return len(ends) - int(is_blank(found, begins, ends).sum())


def _blank_row(text: NDArray[Any], begins: NDArray[Any], ends: NDArray[Any]) -> NDArray[np.bool_]:
    length = ends - begins
    blank: NDArray[np.bool_] = (length == 0) | ((length == 1) & (text[begins] == _RETURN))
    return blank


def _blank_json(text: NDArray[Any], begins: NDArray[Any], _: NDArray[Any]) -> NDArray[np.bool_]:
    blank: NDArray[np.bool_] = np.add.reduceat((text > _SPACE).astype(np.int64), begins) == 0
    return blank


class _Lines:
    """The lines of a stream as Latin-1, which keeps every byte, and the byte and line after the last one."""

    def __init__(self, stream: BinaryIO, begin: int) -> None:
        self.at, self.number = begin, 0
        self._stream = stream

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._stream.readline()
        if not line:
            raise StopIteration
        self.at, self.number = self.at + len(line), self.number + 1
        return line.decode("latin-1")


def _parsed(stream: BinaryIO, begin: int, most_rows: int | None) -> Iterator[_Piece]:
    """Pieces of CSV with quotes, in which a line may end. What follows a wrong quote stays in one piece."""
    lines = _Lines(stream, begin)
    parser = csv.reader(lines, strict=True)
    first = records = 0
    try:
        for cells in parser:
            records += bool(cells)
            if lines.at - begin >= TEXT_BYTES or _is_full(records, most_rows):
                yield _Piece(lines.at, records, lines.number - first)
                begin, first, records = lines.at, lines.number, 0
    except csv.Error:
        # The reader names the row, and says that nothing after it was read.
        for _ in lines:
            pass
        records += 1
    if records:
        yield _Piece(lines.at, records, lines.number - first)
