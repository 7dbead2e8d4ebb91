"""Add rows that the store never saw to a history: a backfill of old events."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from slipway.errors import InputError, SlipwayError
from slipway.features.definitions import AcceptedWrite, FeatureDefinitions
from slipway.features.files import FileRow
from slipway.features.history.files import HistoryFiles, folder_of, pack_rows
from slipway.features.history.rows import HistoryRow, backfill_row
from slipway.features.store import FeatureWrite, to_milliseconds
from slipway.records.rows import Position

_ROWS_OF_A_FILE = 50_000


@dataclass(slots=True)
class Backfilled:
    """The writes that were added, and the refused rows with their reasons."""

    added: int = 0
    files: int = 0
    refused: list[tuple[Position, str]] = field(default_factory=list)


def backfill(
    rows: Iterable[FileRow],
    files: HistoryFiles,
    definitions: FeatureDefinitions,
    *,
    now: datetime,
    delay: timedelta = timedelta(0),
) -> Backfilled:
    """Add each write of a feature file to the history of its group, as if made ``delay`` after its event.

    Adding a file again is safe: of two rows with the same times, the one that was added later holds.

    Raises:
        UnavailableError: a file could not be stored; the earlier ones stand.
    """
    done = Backfilled()
    waiting: dict[str, list[HistoryRow]] = {}
    added_ms, delay_ms = to_milliseconds(now), delay // timedelta(milliseconds=1)
    for position, write in rows:
        try:
            accepted = _accepted(write, definitions, now)
        except SlipwayError as error:
            done.refused.append((position, str(error)))
            continue
        row = backfill_row(accepted, added_ms=added_ms, number=position.number, delay_ms=delay_ms)
        folder = waiting.setdefault(folder_of(row), [])
        folder.append(row)
        if len(folder) == _ROWS_OF_A_FILE:
            _store(waiting.pop(folder_of(row)), files, done)
    for each in waiting.values():
        _store(each, files, done)
    return done


def _accepted(write: FeatureWrite | InputError, definitions: FeatureDefinitions, now: datetime) -> AcceptedWrite:
    """A write as the store accepts it when its event happens: what has expired since was not expired then."""
    if isinstance(write, InputError):
        raise write
    if definitions.group(write.key.group).history is None:
        raise InputError.of(write.key.group, "has no history: slipway.yaml does not turn it on for this group")
    if write.event_time.tzinfo is None or write.event_time > now:
        return definitions.accept(write, now)
    return definitions.accept(write, write.event_time.astimezone(UTC))


def _store(rows: list[HistoryRow], files: HistoryFiles, done: Backfilled) -> None:
    for key, content in pack_rows(rows).items():
        files.put(key, content)
        done.files += 1
    done.added += len(rows)
