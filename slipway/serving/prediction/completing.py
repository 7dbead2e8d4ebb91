"""Completes the records of a request with features of the store, in one call for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

from slipway.config import FeatureValue
from slipway.errors import FieldProblem, InputError, UnavailableError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.store import FeatureKey, FeatureRow, FeatureStore
from slipway.monitoring.telemetry import metrics
from slipway.serving.prediction.request import Place, PredictionRequest


class Completing:
    """Completes the records that are to be predicted.

    Args:
        definitions: the feature groups of slipway.yaml.
        store: required if a record needs features.
    """

    def __init__(self, definitions: FeatureDefinitions, store: FeatureStore | None) -> None:
        self._entities = definitions.entities
        self._defaults = {group: definitions.defaults(group) for group in definitions.groups}
        self._store = store

    def missing(self, request: PredictionRequest) -> list[FeatureKey]:
        """The rows of features that records without an output need."""
        numbers = _open(request)
        return list(
            dict.fromkeys(
                self._key(group, id_) for number in numbers for group, id_ in request.needs[number].items()
            )
        )  # fmt: skip

    def fetch(self, request: PredictionRequest, keys: Sequence[FeatureKey]) -> Mapping[FeatureKey, FeatureRow]:
        """Fetch rows in one call to the store; raises UnavailableError if it is down or not there."""
        if self._store is None:
            raise UnavailableError("feature store", "this deployment has none")
        rows = self._store.read(keys)
        request.event.count(metrics.FEATURE_HITS, len(rows))
        request.event.count(metrics.FEATURE_MISSES, len(keys) - len(rows))
        return rows

    def complete(self, request: PredictionRequest, rows: Mapping[FeatureKey, FeatureRow]) -> None:
        """Complete the records without an output; raises InputError that names every feature that is missing."""
        problems: list[FieldProblem] = []
        for number, places in _open(request).items():
            needs = request.needs[number]
            stored = {group: self._values(group, rows.get(self._key(group, id_))) for group, id_ in needs.items()}
            try:
                record = request.records[number].complete(stored, prefix=f"{request.placing.field}[{number}]")
            except InputError as error:
                problems.extend(error.problems)
                continue
            for place in places:
                place.record = record
        if problems:
            raise InputError(problems)

    def _key(self, group: str, id_: str) -> FeatureKey:
        return FeatureKey(self._entities[group], id_, group)

    def _values(self, group: str, row: FeatureRow | None) -> Mapping[str, FeatureValue]:
        return self._defaults[group] if row is None else {**self._defaults[group], **row.values}


def _open(request: PredictionRequest) -> dict[int, list[Place]]:
    """The places of records that are to be predicted and not complete, by the record's number."""
    found: dict[int, list[Place]] = {}
    for number, place in numbered(request):
        if place.output is None and not place.record:
            found.setdefault(number, []).append(place)
    return found


def numbered(request: PredictionRequest) -> Iterator[tuple[int, Place]]:
    """The places with the numbers of their records. A ranking that two versions make has each record twice."""
    return zip(cycle(range(len(request.records))), request.places, strict=False)
