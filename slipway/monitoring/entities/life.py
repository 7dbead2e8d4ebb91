"""The life of an entity: its captured predictions in the order of time, and what came back on each."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from slipway.aws.table import DynamoTable
from slipway.monitoring.accuracy.labels_table import FEEDBACK, feedback_key
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.entities.index import EntityIndex, IndexedPrediction


@dataclass(frozen=True, slots=True)
class Chapter:
    """A prediction, and its feedback: the true answer or the reward, by the name of its field; empty without any."""

    prediction: IndexedPrediction
    feedback: Mapping[str, Any]


class FeedbackReader(Protocol):
    """Reads feedback by the ids of predictions."""

    def read(self, predictions: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        """The feedback on those that have some; raises UnavailableError."""
        ...


class DynamoFeedbackReader:
    """A `FeedbackReader` on the DynamoDB table `control`."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def read(self, predictions: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        keys = [feedback_key(prediction, FEEDBACK) for prediction in dict.fromkeys(predictions)]
        items = self._table.batch_get(keys)
        return {item["pk"]["S"].partition("#")[2]: json.loads(item["content"]["S"]) for item in items}


def life_of(
    subject: Subject, index: EntityIndex, feedback: FeedbackReader, *, model: str | None, limit: int
) -> list[Chapter]:
    """The newest ``limit`` predictions of an entity, of all models or one, oldest first; raises UnavailableError."""
    found = (each for each in index.newest(subject) if model is None or each.model == model)
    newest = list(islice(found, limit))
    said = feedback.read(each.id for each in newest)
    return [Chapter(each, said.get(each.id, {})) for each in sorted(newest, key=lambda each: (each.time, each.id))]
