"""Records of CSV (RFC 4180) and TSV (no quoting, no tabs in values), by the standard library's parser."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slipway.errors import FieldProblem, InputError
from slipway.records.lines import Lines, TooLong, not_utf8
from slipway.records.rows import RECORD_BYTES, Position, Refusal, Row, Rows

# What the parser says of a row, and what to say of it instead.
_FAULTS = {
    "unexpected end of data": "opens a quote that is never closed",
    "expected after": "has text after a closing quote; inside quotes, write a quote twice",
    "field limit": "has a cell that is too long; is a quote left open?",
}


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a row cannot be parsed; ``ends`` the reading if it is unknown where the next row begins."""

    message: str
    ends: bool = True

    def __str__(self) -> str:
        return f"{self.message}; the rest of the file was not read" if self.ends else self.message


class Delimited:
    """The header and the rows of CSV, or of TSV.

    Without ``columns``, the first row is the header.

    Raises:
        InputError: there is no header, or it names a column twice or is not UTF-8.
    """

    def __init__(self, lines: Lines, name: str, *, tabs: bool, columns: Sequence[str] | None = None) -> None:
        # The parser's limit is one for the whole process, and a third of a feature row by default.
        csv.field_size_limit(max(csv.field_size_limit(), RECORD_BYTES))
        self._lines = lines
        if tabs:
            self._parser = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
        else:
            self._parser = csv.reader(lines, strict=True)
        self.names = tuple(columns) if columns is not None else self._header(name)
        self.columns = tuple(column for column in self.names if column)

    def rows(self) -> Rows:
        """Each row but empty lines. Nothing is read after a row whose quotes are wrong."""
        for number, (line, cells) in enumerate(self._parsed(), start=1):
            position = Position(number, line)
            if isinstance(cells, _Fault):
                yield Refusal.of(position, str(cells), malformed=True, ends=cells.ends)
            else:
                yield self._row(position, cells)

    def _parsed(self) -> Iterator[tuple[int, list[str] | _Fault]]:
        """Each row's first line and cells, or what is wrong with it."""
        cells: list[str] | _Fault | None = []
        while cells is not None and not (isinstance(cells, _Fault) and cells.ends):
            line = self._lines.begin()
            cells = self._next()
            if cells:
                yield line, cells

    def _next(self) -> list[str] | _Fault | None:
        try:
            return next(self._parser, None)
        except TooLong:
            return _Fault(f"has more than {RECORD_BYTES} bytes; is a quote left open?")
        except csv.Error as error:
            return _fault(str(error))

    def _header(self, name: str) -> tuple[str, ...]:
        line, names = next(self._parsed(), (1, []))
        problem = names.message if isinstance(names, _Fault) else _header_problem(names)
        if isinstance(names, _Fault) or problem:
            raise InputError.of(name, f"the header (line {line}) {problem}")
        return tuple(names)

    def _row(self, position: Position, cells: Sequence[str]) -> Row | Refusal:
        if len(cells) != len(self.names):
            columns = ", ".join(self.columns)[:500]
            return Refusal.of(position, f"has {_count(len(cells))}; needed are {len(self.names)}: {columns}")
        pairs = list(zip(self.names, cells, strict=True))
        problems = [
            FieldProblem(column or f"column {at}", problem)
            for at, (column, cell) in enumerate(pairs, start=1)
            if (problem := not_utf8(cell) or _unnamed(column, cell))
        ]
        if problems:
            return Refusal(position, tuple(problems), malformed=any(not_utf8(cell) for cell in cells))
        return Row(position, {column: cell or None for column, cell in pairs if column})


def _header_problem(names: Sequence[str]) -> str | None:
    if not any(names):
        return "must name the columns"
    for name in names:
        if problem := not_utf8(name):
            return problem
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    return f"names a column twice: {', '.join(twice)[:500]}" if twice else None


def _unnamed(column: str, cell: str) -> str | None:
    if column or not cell:
        return None
    return "has a value, but the header gives it no name; pandas writes such a column without `index=False`"


def _count(cells: int) -> str:
    return f"{cells} cell" if cells == 1 else f"{cells} cells"


def _fault(message: str) -> _Fault:
    if "new-line character" in message:  # which is not within quotes, so the next line is a row
        return _Fault("has a carriage return within it; a line ends with \\n or \\r\\n", ends=False)
    known = (text for part, text in _FAULTS.items() if part in message)
    return _Fault(next(known, f"is not CSV: {message}"))
