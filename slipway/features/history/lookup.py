"""Read the timelines of some entities from a history, without a library: what a function has time for."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from slipway.errors import InputError
from slipway.features.history.files import LINES, PARQUET, HistoryFiles, group_folder, unpacked
from slipway.features.history.rows import Change, HistoryRow, parse_row
from slipway.features.history.timeline import Timeline

_ID = b'"id":'
_AFTER_ID = b',"change":'


@dataclass(frozen=True, slots=True)
class Lookup:
    """What to read of a group's history.

    Attributes:
        ids: the entities.
        since: the first day (UTC), as ``2026-01-31``; by default all days.
        bytes: of compressed files, the latest first; older files are not read.
        parquet: whether compacted days are read, for which pyarrow is needed.
    """

    ids: Collection[str]
    since: str = ""
    bytes: int | None = None
    parquet: bool = True


def read_timelines(files: HistoryFiles, group: str, lookup: Lookup) -> dict[tuple[str, str], Timeline]:
    """The timelines of entities, by group and id; those without a row in what was read are absent.

    Raises:
        InputError: a file is not one of a history, or a day is compacted and pyarrow is not installed.
        UnavailableError: a file cannot be read.
    """
    rows: dict[str, list[HistoryRow]] = {}
    for row in _rows(files, group, lookup):
        rows.setdefault(row.id, []).append(row)
    return {(group, id): Timeline.of(found) for id, found in rows.items()}


def _rows(files: HistoryFiles, group: str, lookup: Lookup) -> Iterator[HistoryRow]:
    wanted = {json.dumps(id, ensure_ascii=False).encode() for id in lookup.ids}
    left = lookup.bytes
    for key in sorted(files.keys(f"{group_folder(group)}{LINES}/"), key=day_of, reverse=True):
        if day_of(key) < lookup.since or (left is not None and left <= 0):
            break
        content = files.read(key)
        left = None if left is None else left - len(content)
        yield from _of_lines(unpacked(content, key), group, wanted, key)
    if lookup.parquet:
        for key in files.keys(f"{group_folder(group)}{PARQUET}/"):
            if day_of(key) >= lookup.since:
                yield from _of_parquet(files.read(key), group, lookup.ids)


def _of_lines(text: bytes, group: str, wanted: Collection[bytes], key: str) -> Iterator[HistoryRow]:
    for line in text.splitlines():
        if _id_of(line) in wanted:
            try:
                yield parse_row(line, group)
            except ValueError as error:
                raise InputError.of(key, f"has a line that {error}") from error


def day_of(key: str) -> str:
    """The day in a key."""
    return key.partition("/date=")[2].partition("/")[0]


def _id_of(line: bytes) -> bytes:
    """The id of a line as JSON, found without parsing the line."""
    begin = line.find(_ID) + len(_ID)
    return line[begin : line.find(_AFTER_ID, begin)]


def _of_parquet(content: bytes, group: str, ids: Collection[str]) -> Iterator[HistoryRow]:
    from slipway.features.history.arrow import FEATURES, pyarrow

    pa = pyarrow()
    from pyarrow import parquet

    table = parquet.read_table(pa.BufferReader(content), filters=[("id", "in", list(ids))])
    for found in table.to_pylist():
        values = found.pop(FEATURES)
        features = None if values is None else {name: value for name, value in values.items() if value is not None}
        text = None if features is None else json.dumps(features, ensure_ascii=False, separators=(",", ":"))
        yield HistoryRow(**{**found, "group": group, "change": Change(found["change"]), "features": text})
