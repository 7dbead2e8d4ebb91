"""One prediction request on its way from records to answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Protocol

from slipway.features.cache import Output
from slipway.features.store import FeatureKey
from slipway.models.manifest import Record
from slipway.models.schema import RequestRecord
from slipway.monitoring import metrics
from slipway.monitoring.capture import capture_line
from slipway.monitoring.telemetry import RequestEvent
from slipway.serving.exchange import Answer, Call, Endpoint
from slipway.serving.reading import RecordReader


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one record."""

    id: str
    version: int
    output: Output
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """What a protocol's request asks for: ``read`` takes the records from it, ``answer`` makes the answer."""

    model: str
    version: int | None
    read: Callable[[RecordReader], list[RequestRecord]]
    answer: Callable[[list[Prediction]], Answer]


Predicting = Callable[[Callable[[Call], Ask]], Endpoint]
"""Makes an endpoint that predicts, from what reads a protocol's requests."""


@dataclass(slots=True)
class Place:
    """The place of one record on its way through a request; ``key`` is its own in the cache, once that was asked."""

    record: Record
    id: str
    version: int
    key: str = ""
    output: Output | None = None
    cached: bool = False


@dataclass(slots=True)
class PredictionRequest:
    """A request on its way through the steps of `PredictionService`; ``missing`` is to be read from the store."""

    model: str
    version: int | None
    event: RequestEvent
    request_id: str
    records: list[RequestRecord]
    needs: list[dict[str, str]]
    missing: list[FeatureKey]
    places: list[Place] = field(default_factory=list)


def captures(request: PredictionRequest) -> list[str]:
    """A line for each record of an answered request."""
    now = int(time.time() * 1000)
    return [
        capture_line(
            prediction_id=place.id,
            model=request.model,
            version=place.version,
            time_ms=now,
            request_id=request.request_id,
            inputs=place.record,
            outputs=place.output or {},
        )
        for place in request.places
    ]


def count_output(event: RequestEvent, version: int, output: Output) -> None:
    """Count what a version predicted, for whoever compares versions: its label, and the score of that, or its value."""
    label, score, value = output.get("label"), output.get("score"), output.get("value")
    if label is not None:
        event.count(metrics.LABELS, 1, Version=str(version), Label=str(label))
    if isinstance(score, float):
        event.count(metrics.SCORED, 1, Version=str(version))
        event.count(metrics.SCORES, score, Version=str(version))
    if isinstance(value, float) and isfinite(value):
        event.observe(metrics.VALUES if value >= 0 else metrics.NEGATIVE_VALUES, abs(value), Version=str(version))
