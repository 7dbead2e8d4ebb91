"""Answers records that give an entity and nothing else from what a batch job has precomputed for it."""

from collections.abc import Iterator, Mapping

from slipway.config import ModelConfig
from slipway.errors import UnavailableError
from slipway.features.precomputed import PrecomputedStore, precomputed_key
from slipway.monitoring.telemetry import metrics
from slipway.serving.prediction.completing import numbered
from slipway.serving.prediction.request import Place, PredictionRequest


class Ahead:
    """Looks precomputed answers up, of the version that each record is assigned to and of no other.

    Args:
        models: the models of slipway.yaml, with the entities that they have precomputed answers of.
        store: has them; None in a deployment without.
    """

    def __init__(self, models: Mapping[str, ModelConfig], store: PrecomputedStore | None) -> None:
        self._models = models
        self._store = store

    def is_asked(self, request: PredictionRequest) -> bool:
        """Whether a record of the request may have a precomputed answer."""
        return self._store is not None and next(self._keyed(request), None) is not None

    def answer(self, request: PredictionRequest) -> None:
        """Fill places with precomputed answers. Those of a store that is down are predicted instead."""
        wanted: dict[str, list[Place]] = {}
        for key, place in self._keyed(request):
            wanted.setdefault(key, []).append(place)
        try:
            found = self._store.get(wanted) if self._store is not None else {}
        except UnavailableError:
            request.event.count(metrics.CACHE_ERRORS)
            return
        for key, answer in found.items():
            for place in wanted[key]:
                place.record, place.output, place.made_at = answer.inputs, answer.output, answer.made_at
        places = sum(map(len, wanted.values()))
        hits = sum(len(wanted[key]) for key in found)
        request.event.count(metrics.PRECOMPUTED_HITS, hits)
        request.event.count(metrics.PRECOMPUTED_MISSES, places - hits)

    def _keyed(self, request: PredictionRequest) -> Iterator[tuple[str, Place]]:
        entity = self._models[request.model].cache.precomputed
        if entity is None:
            return
        for number, place in numbered(request):
            lone = request.records[number].lone_entity()
            if lone is not None and lone[0] == entity:
                yield precomputed_key(request.model, place.version, *lone), place
