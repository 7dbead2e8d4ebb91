"""Read the records of the features table's stream as rows of the history.

Format: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html, and for rows that expired
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import (
    DynamoDBRecord,
    DynamoDBRecordEventName,
    StreamRecord,
)

from slipway.features.history.rows import SEQUENCE_DIGITS, Change, HistoryRow

_TIME_TO_LIVE = ("service", "dynamodb.amazonaws.com")
_LAST_OF_SECOND = 999


@dataclass(frozen=True, slots=True)
class StreamedRow:
    """A row, and the sequence number under which Lambda knows its record."""

    item: str
    row: HistoryRow


@dataclass(frozen=True, slots=True)
class StreamedRows:
    """The rows of an event, and the number of records of other groups, or that Slipway did not write."""

    rows: tuple[StreamedRow, ...]
    foreign: int


def streamed_rows(event: Mapping[str, Any], groups: Collection[str]) -> StreamedRows:
    """Return the changes of ``groups`` in an event of the table's stream."""
    rows: list[StreamedRow] = []
    foreign = 0
    for record in _records(event):
        change = record.dynamodb
        row = None if change is None else _row(record, change, groups)
        if change is None or row is None:
            foreign += 1
        else:
            rows.append(StreamedRow(change.sequence_number or "", row))
    return StreamedRows(tuple(rows), foreign)


def _records(event: Mapping[str, Any]) -> Iterable[DynamoDBRecord]:
    return DynamoDBStreamEvent(dict(event)).records


def _row(record: DynamoDBRecord, change: StreamRecord, groups: Collection[str]) -> HistoryRow | None:
    keys = change.keys or {}
    group = keys.get("sk")
    entity, separator, id = str(keys.get("pk", "")).partition("#")
    if group not in groups or not separator:
        return None
    removed = record.event_name is DynamoDBRecordEventName.REMOVE
    image = {} if removed else dict(change.new_image or {})
    if not removed and not _is_feature_row(image):
        return None
    return HistoryRow(
        group=str(group),
        entity=entity,
        id=id,
        change=_removal(record) if removed else Change.WRITE,
        written_at=_written_at(change, image.get("written_at")),
        sequence=str(change.sequence_number or "").zfill(SEQUENCE_DIGITS),
        event_time=None if removed else int(image["event_time"]),
        expires_at=int(image["expires_at"]) if "expires_at" in image else None,
        features=None if removed else str(image["values"]),
    )


def _is_feature_row(image: Mapping[str, Any]) -> bool:
    try:
        return isinstance(json.loads(image["values"]), dict) and image["event_time"] is not None
    except (KeyError, TypeError, ValueError):
        return False


def _removal(record: DynamoDBRecord) -> Change:
    by = {name.lower(): str(value).lower() for name, value in (record.user_identity or {}).items()}
    return Change.EXPIRY if (by.get("type"), by.get("principalid")) == _TIME_TO_LIVE else Change.DELETE


def _written_at(change: StreamRecord, claimed: Any) -> int:
    """The writer's time, within the second in which the table had the change, to which the stream rounds down.

    Without one, the end of that second: a join must not see a write before the store had it.
    """
    second = int(change.approximate_creation_date_time or 0) * 1000
    if claimed is None:
        return second + _LAST_OF_SECOND
    return min(max(int(claimed), second), second + _LAST_OF_SECOND)
