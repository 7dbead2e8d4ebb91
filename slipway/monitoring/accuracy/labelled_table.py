"""Reads what was labelled from the DynamoDB table `control`, as `slipway.monitoring.accuracy.labels_table` lists it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Protocol

from slipway.aws.table import DynamoTable, Item
from slipway.monitoring.accuracy.labels import Answer
from slipway.monitoring.accuracy.labels_table import LISTED, PROBABILITY, drawn_partition, hour_partition
from slipway.monitoring.captures.reading import HOUR, start_of_hour
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id
from slipway.monitoring.steps import Labelled, LabelledReader

_AT_ONCE = 8


class LabelReader(LabelledReader, Protocol):
    """Reads captured predictions whose true answers are known."""

    def drawn(self, model: str) -> list[Labelled]:
        """Those that were drawn for labelling, of every version and hour; raises UnavailableError."""
        ...


class DynamoLabelled:
    """A `LabelReader`: one query an hour, and one for all that were drawn."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def labelled(self, model: str, since: datetime, until: datetime) -> list[Labelled]:
        partitions = [hour_partition(model, hour) for hour in _hours(since, until)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = [each for labelled in pool.map(self._read, partitions) for each in labelled]
        return [each for each in found if since <= made_at(each) < until]

    def drawn(self, model: str) -> list[Labelled]:
        return self._read(drawn_partition(model))

    def _read(self, partition: str) -> list[Labelled]:
        now = datetime.now(UTC).timestamp()
        items = self._table.query(partition, LISTED)
        return [_labelled(item) for item in items if int(item["expires_at"]["N"]) > now]


def made_at(labelled: Labelled) -> datetime:
    """The time of the prediction."""
    return parse_prediction_id(labelled.id).made_at


def _labelled(item: Item) -> Labelled:
    version, _, identifier = item["sk"]["S"].partition("#")
    content = json.loads(item["content"]["S"])
    return Labelled(
        id=identifier,
        version=int(version.removeprefix(LISTED)),
        predicted=_value(content["predicted"]),
        true=_value(content["true"]),
        score=content["score"],
        segments=content["segments"],
        probability=float(item[PROBABILITY]["N"]) if PROBABILITY in item else None,
    )


def _value(answer: Answer) -> Any:
    """The label, labels, value or values themselves; sets of labels in one order."""
    (found,) = answer.values()
    return tuple(sorted(found)) if isinstance(found, list) else found


def _hours(since: datetime, until: datetime) -> Iterator[datetime]:
    hour = start_of_hour(since)
    while hour < until:
        yield hour
        hour += HOUR
