"""The rows of a group's history: one for each change of a feature row, as a line of JSON."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slipway.config import FeatureValue
from slipway.features.definitions import AcceptedWrite

SEQUENCE_DIGITS = 40  # DynamoDB's sequence numbers have at most as many
_FIELDS = ("entity", "id", "change", "written_at", "event_time", "expires_at", "sequence")


class Change(StrEnum):
    """What happened to a feature row."""

    WRITE = "write"
    """The store accepted a write, which replaced the whole row."""
    DELETE = "delete"
    """Somebody deleted the row."""
    EXPIRY = "expiry"
    """DynamoDB removed a row that had expired; its life ended at the `expires_at` of its last write."""
    BACKFILL = "backfill"
    """A write that the store never saw, added to the history as if made at its event's time."""


REMOVALS = (Change.DELETE, Change.EXPIRY)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change of the row of ``group`` of an entity.

    Attributes:
        written_at: milliseconds since 1970 at which the store had the change; of a backfill, when it would have had it.
        sequence: orders the changes of a row, as 40 digits; of a backfill, when it was added.
        event_time: milliseconds since 1970; None if the row was removed.
        expires_at: seconds since 1970; None if the row does not expire.
        features: the row's values as a JSON object; None if the row was removed.
    """

    group: str
    entity: str
    id: str
    change: Change
    written_at: int
    sequence: str
    event_time: int | None
    expires_at: int | None
    features: str | None

    @property
    def values(self) -> dict[str, FeatureValue]:
        """The parsed features; none if the row was removed."""
        return json.loads(self.features) if self.features else {}

    def line(self) -> str:
        """The row as JSON without a newline; the features are the text that the store has, digit by digit."""
        fields = {name: getattr(self, name) for name in _FIELDS}
        head = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        return f'{head[:-1]},"features":{self.features or "null"}}}'


def backfill_row(write: AcceptedWrite, *, added_ms: int, number: int, delay_ms: int = 0) -> HistoryRow:
    """A write as if the store had got it ``delay_ms`` after its event.

    Of two with the same times, the one that was added later holds: at ``added_ms``, and with the higher ``number``.
    """
    return HistoryRow(
        group=write.key.group,
        entity=write.key.entity,
        id=write.key.id,
        change=Change.BACKFILL,
        written_at=write.event_milliseconds + delay_ms,
        sequence=f"{added_ms:0{SEQUENCE_DIGITS // 2}}{number:0{SEQUENCE_DIGITS // 2}}",
        event_time=write.event_milliseconds,
        expires_at=write.expires_at,
        features=write.text,
    )


def parse_row(line: str | bytes, group: str) -> HistoryRow:
    """Parse a `HistoryRow.line`; raises ValueError for another line."""
    try:
        document: dict[str, Any] = json.loads(line)
        values = document.pop("features")
        features = None if values is None else json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        return HistoryRow(group=group, features=features, **{**document, "change": Change(document["change"])})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("is not a row of a feature history") from error
