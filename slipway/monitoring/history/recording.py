"""Record an event of the table's stream in the history; what cannot be stored is named, for Lambda to send it again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.errors import UnavailableError
from slipway.features.history.files import HistoryFiles, folder_of, pack_rows
from slipway.monitoring.history.stream import StreamedRow, streamed_rows


@dataclass(frozen=True, slots=True)
class Recorded:
    """The result of one event.

    Attributes:
        rows: the number of changes stored.
        foreign: the records of other groups, or that Slipway did not write; they are left out.
        failed: the sequence numbers of the changes that were not stored.
        error: why.
    """

    rows: int
    foreign: int
    failed: tuple[str, ...]
    error: UnavailableError | None

    def response(self) -> dict[str, list[dict[str, str]]]:
        """The partial batch response: Lambda sends the records from the first one named on again."""
        return {"batchItemFailures": [{"itemIdentifier": item} for item in self.failed]}


def record(event: Mapping[str, Any], files: HistoryFiles, groups: Collection[str]) -> Recorded:
    """Store the changes of ``groups`` in an event; storing the same event again changes nothing."""
    streamed = streamed_rows(event, groups)
    failed: list[str] = []
    error: UnavailableError | None = None
    for rows in _by_folder(streamed.rows):
        try:
            for key, content in pack_rows(each.row for each in rows).items():
                files.put(key, content)
        except UnavailableError as reason:
            failed += [each.item for each in rows]
            error = reason
    return Recorded(len(streamed.rows) - len(failed), streamed.foreign, tuple(failed), error)


def _by_folder(rows: Sequence[StreamedRow]) -> Collection[list[StreamedRow]]:
    folders: dict[str, list[StreamedRow]] = {}
    for each in rows:
        folders.setdefault(folder_of(each.row), []).append(each)
    return folders.values()
