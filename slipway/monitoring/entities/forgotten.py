"""The entities that were lately forgotten, so that what the log still delivers of them is not stored again."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from slipway.aws.partitions import PartitionTable
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.subjects import Subject

if TYPE_CHECKING:
    from slipway.aws.table import ClientFactory

PARTITION = "forgotten"
REMEMBERED = timedelta(days=1)
"""How long a mark is kept: Lambda gives an event up after six hours."""


class Forgotten(Protocol):
    """Marks entities as forgotten."""

    def marks(self) -> Mapping[str, datetime]:
        """Return the time until which captures are forgotten, by `digest` of the entity; raises UnavailableError."""
        ...

    def mark(self, subject: Subject, until: datetime) -> None:
        """Forget what is captured of an entity until a time, whenever it arrives; raises UnavailableError."""
        ...


class DynamoForgotten:
    """A `Forgotten` in one partition of the DynamoDB table `control`, of items without the entities' ids."""

    def __init__(self, table: str, *, client: "ClientFactory | None" = None) -> None:
        self._table = PartitionTable(table, dependency="control table", client=client)

    def marks(self) -> Mapping[str, datetime]:
        pages = self._table.pages(PARTITION, consistent=True)
        return {item["sk"]["S"]: datetime.fromisoformat(item["until"]["S"]) for page in pages for item in page}

    def mark(self, subject: Subject, until: datetime) -> None:
        expires = datetime.now(UTC) + REMEMBERED
        key = {"pk": {"S": PARTITION}, "sk": {"S": digest(subject)}}
        item = {**key, "until": {"S": until.isoformat()}, "expires_at": {"N": str(int(expires.timestamp()))}}
        self._table.batch_put([item])


def digest(subject: Subject) -> str:
    """A digest of an entity. Whoever guesses the id can verify it, so it is kept for `REMEMBERED` only."""
    return sha256(f"{subject.entity}#{subject.id}".encode()).hexdigest()


def remembered(captures: Iterable[Capture], marks: Mapping[str, datetime]) -> list[Capture]:
    """The captures without those of forgotten entities."""
    return [capture for capture in captures if not _is_forgotten(capture, marks)]


def _is_forgotten(capture: Capture, marks: Mapping[str, datetime]) -> bool:
    named = (marks.get(digest(Subject(*each))) for each in capture.entities.items()) if marks else ()
    return any(until is not None and capture.made_at <= until for until in named)
