"""The index of captures by entity: one query gives an entity's predictions in the order of time."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.subjects import Subject, subject_of

MOST_BYTES = 4096
"""The limit on the record and answer of an index entry, which costs a write unit for each KB; files have them whole."""

MOST_OF_AN_ENTITY = 100
"""The most predictions of one entity that a delivery of the log indexes: a partition takes 1,000 writes a second."""


@dataclass(frozen=True, slots=True)
class IndexedPrediction:
    """An entity's captured prediction. ``inputs`` are None if the record is too large for the index."""

    subject: Subject
    id: str
    model: str
    version: int
    time: int
    inputs: Mapping[str, Any] | None
    outputs: Mapping[str, Any]
    expires: datetime

    @property
    def made_at(self) -> datetime:
        """The time of the prediction."""
        return datetime.fromtimestamp(self.time / 1000, UTC)


class EntityIndex(Protocol):
    """Stores the predictions of entities, and returns those of one."""

    def add(self, predictions: Iterable[IndexedPrediction]) -> int:
        """Store predictions, and return how many were left out because an entity has too many at once.

        Storing one again replaces it.

        Raises:
            UnavailableError: the store refuses the call.
        """
        ...

    def newest(self, subject: Subject) -> Iterator[IndexedPrediction]:
        """Yield an entity's predictions, the newest first; raises UnavailableError."""
        ...


def indexed(
    captures: Iterable[Capture], entities: Mapping[str, str | None], kept: timedelta
) -> tuple[list[IndexedPrediction], int]:
    """Return the index entries of captures, and how many predictions of too busy entities are left out.

    Args:
        captures: the captures of one delivery.
        entities: the models that are captured by entity, each with the entity that slipway.yaml names.
        kept: how long an entry is kept.
    """
    found = [
        _entry(capture, subject, kept)
        for capture in captures
        if capture.model in entities and (subject := subject_of(capture.entities, entities[capture.model]))
    ]
    taken: Counter[Subject] = Counter()
    entries = []
    for entry in sorted(found, key=lambda each: each.time, reverse=True):
        taken[entry.subject] += 1
        if taken[entry.subject] <= MOST_OF_AN_ENTITY:
            entries.append(entry)
    # Those of the busiest entities come last, so that what these are throttled for costs nobody else.
    entries.sort(key=lambda each: (taken[each.subject], each.subject))
    return entries, len(found) - len(entries)


def _entry(capture: Capture, subject: Subject, kept: timedelta) -> IndexedPrediction:
    inputs: Mapping[str, Any] | None = capture.inputs
    outputs: Mapping[str, Any] = capture.outputs
    if _size(inputs) + _size(outputs) > MOST_BYTES:
        inputs = None
    if _size(outputs) > MOST_BYTES:
        outputs = {"label": capture.label} if capture.label and _size(capture.label) <= MOST_BYTES else {}
    expires = capture.made_at + kept
    return IndexedPrediction(
        subject, capture.id, capture.model, capture.version, capture.time, inputs, outputs, expires
    )


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
