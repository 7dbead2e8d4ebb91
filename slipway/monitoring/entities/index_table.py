"""Stores the index of captures by entity in the DynamoDB table `control`, a partition for each entity."""

import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from slipway.aws.partitions import PartitionTable
from slipway.aws.table import WRITES_PER_CALL, Backoff, Item, batched
from slipway.errors import TriedInVainError
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.entities.index import IndexedPrediction

if TYPE_CHECKING:
    from slipway.aws.table import ClientFactory

PARTITIONS = "entity#*"
"""The pattern of the index's partition keys, as IAM conditions have it."""

# Indexing must leave a delivery time to be stored, however throttled the partition of a busy entity is.
_BACKOFF = Backoff(attempts=4, seconds=1.0)
_SECONDS = 10.0
_PAGE = 100
_TIME_DIGITS = 15


class DynamoEntityIndex:
    """An `EntityIndex` whose items are sorted by the time of the prediction, and expire with the captures."""

    def __init__(self, table: str, *, client: "ClientFactory | None" = None, backoff: Backoff = _BACKOFF) -> None:
        self._table = PartitionTable(table, dependency="index of entities", client=client, backoff=backoff)

    def add(self, predictions: Iterable[IndexedPrediction]) -> int:
        left_out = 0
        deadline = time.monotonic() + _SECONDS
        for batch in batched(list(_current(predictions)), WRITES_PER_CALL):
            if time.monotonic() > deadline:
                left_out += len(batch)
                continue
            try:
                self._table.batch_put([_item(each) for each in batch])
            except TriedInVainError:
                left_out += len(batch)
        return left_out

    def newest(self, subject: Subject) -> Iterator[IndexedPrediction]:
        for page in self._table.pages(partition(subject), newest_first=True, size=_PAGE):
            yield from _current(_prediction(subject, item) for item in page)


def partition(subject: Subject) -> str:
    """The partition key of an entity."""
    return f"entity#{subject.entity}#{subject.id}"


def read_entry(subject: Subject, item: Item) -> IndexedPrediction:
    """The index entry that an item of an entity's partition holds."""
    return _prediction(subject, item)


def _current(predictions: Iterable[IndexedPrediction]) -> Iterator[IndexedPrediction]:
    """Those that have not expired; DynamoDB removes them up to a few days late."""
    now = datetime.now(UTC)
    return (each for each in predictions if each.expires > now)


def _item(entry: IndexedPrediction) -> Item:
    content: dict[str, Any] = {"inputs": entry.inputs, "outputs": entry.outputs}
    return {
        "pk": {"S": partition(entry.subject)},
        "sk": {"S": f"{entry.time:0{_TIME_DIGITS}d}#{entry.id}"},
        "model": {"S": entry.model},
        "version": {"N": str(entry.version)},
        "content": {"S": json.dumps(content, separators=(",", ":"))},
        "expires_at": {"N": str(int(entry.expires.timestamp()))},
    }


def _prediction(subject: Subject, item: Item) -> IndexedPrediction:
    time_text, _, id_ = item["sk"]["S"].partition("#")
    content = json.loads(item["content"]["S"])
    return IndexedPrediction(
        subject=subject,
        id=id_,
        model=item["model"]["S"],
        version=int(item["version"]["N"]),
        time=int(time_text),
        inputs=content["inputs"],
        outputs=content["outputs"],
        expires=datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC),
    )
