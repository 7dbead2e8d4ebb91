"""A shard is a part of one file that a worker scores at once; a manifest has one line for each."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from slipway.records.files import Format

_FORMAT = 1
"""Goes into every digest: a change of what a part holds makes all parts anew."""

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Shard:
    """Rows ``first_row`` to ``first_row + rows`` of a file, counted from 0.

    They are the bytes ``[begin, end)`` of a file of text, without its header, or those row groups of Parquet.
    ``source`` is the SHA-256 of the whole file, ``first_line`` the number of the first line, from 1.
    """

    number: int
    file: str
    format: Format
    source: str
    begin: int
    end: int
    first_row: int
    rows: int
    first_line: int = 1
    columns: tuple[str, ...] | None = None
    """The header of a file of delimited text, unless the shard has it in it."""
    base: int = 0
    """The rows of all shards before this one."""

    def digest(self, job: str) -> str:
        """What tells this shard's output from any other: the content, the part of it, and what the job does to it."""
        part = [_FORMAT, job, self.source, self.file, self.begin, self.end, self.base]
        return hashlib.sha256(json.dumps(part).encode()).hexdigest()[:_DIGITS]


def to_lines(shards: Iterable[Shard]) -> str:
    """The manifest of some shards."""
    return "".join(json.dumps(asdict(shard), ensure_ascii=False) + "\n" for shard in shards)


def from_lines(text: str) -> Iterator[Shard]:
    """Parse `to_lines`."""
    for line in text.splitlines():
        found = json.loads(line)
        columns = found.pop("columns")
        yield Shard(**{**found, "format": Format(found["format"])}, columns=None if columns is None else tuple(columns))
