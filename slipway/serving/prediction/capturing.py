"""Captures a sample of the answered requests, or of the entities that they are about."""

import time
from collections.abc import Iterator
from itertools import cycle

from slipway.features.store import to_milliseconds
from slipway.models.schema import RequestRecord
from slipway.monitoring.captures.line import capture_line, drawn_by_chance
from slipway.monitoring.captures.subjects import drawn_by_subject, subject_of
from slipway.monitoring.feedback.key_ring import IdSigner
from slipway.serving.prediction.request import Place, PredictionRequest
from slipway.serving.prediction.served import ServedModels

PURPOSE = "capture"
"""The purpose of the key that entities are sampled with."""


class Capturing:
    """Draws the captures of each request.

    Args:
        models: the served models, with their shares.
        ids: has the secret of which the key of the sample of entities is derived.
    """

    def __init__(self, models: ServedModels, ids: IdSigner) -> None:
        self._models = models
        self._ids = ids

    def lines(self, request: PredictionRequest) -> list[str]:
        """Return a line for each captured record of an answered request.

        While shadows run, the captured share may exceed that of slipway.yaml. What exceeds it is written with
        kept=False, for shadows only.
        """
        captured = self._models.releases.captured(request.model)
        return list(self._drawn(request, captured)) if captured > 0 else []

    def _drawn(self, request: PredictionRequest, captured: float) -> Iterator[str]:
        share, now, chance = self._share(request.model), int(time.time() * 1000), drawn_by_chance()
        # A ranking that two versions made has the records once for each of them.
        for place, asked in zip(request.places, cycle(request.records)):
            drawn = self._draw(request.model, asked, chance)
            if drawn < captured and not place.elsewhere:
                yield _line(request, place, asked, now, kept=drawn < share)

    def _share(self, model: str) -> float:
        return self._models.config.models[model].capture.sample

    def _draw(self, model: str, asked: RequestRecord, chance: float) -> float:
        """The draw of a record: that of its entity, or else ``chance``, which all of a request share."""
        config = self._models.config.models[model].capture
        if config.by == "request" or (subject := subject_of(asked.entities(), config.entity)) is None:
            return chance
        key = self._ids.derived(PURPOSE)
        # Without the key, nobody's predictions are captured: those of anyone would be incomplete.
        return 1.0 if key is None else drawn_by_subject(subject, key)


def _line(request: PredictionRequest, place: Place, asked: RequestRecord, now: int, *, kept: bool) -> str:
    return capture_line(
        prediction_id=place.id,
        model=request.model,
        version=place.version,
        time_ms=now if place.made_at_ms is None else place.made_at_ms,
        request_id=request.context.request_id,
        inputs=place.record,
        outputs=place.output or {},
        entities=asked.entities(),
        precomputed_ms=None if place.made_at is None else to_milliseconds(place.made_at),
        kept=kept,
    )
