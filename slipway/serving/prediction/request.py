"""One prediction request on its way from records to answers."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from slipway.features.cache import Output
from slipway.features.store import FeatureKey
from slipway.models.manifest import Record
from slipway.models.schema import RequestRecord
from slipway.monitoring.captures.line import capture_line
from slipway.monitoring.feedback.prediction_ids import new_random
from slipway.monitoring.telemetry.outputs import count_output
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.releases.routing.assignment import assign
from slipway.serving.http.exchange import Answer, Call, Endpoint
from slipway.serving.prediction.live_releases import Releases
from slipway.serving.prediction.reading import RecordReader


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one record."""

    id: str
    version: int
    output: Output
    cached: bool = False


@dataclass(slots=True)
class Place:
    """The place of one record on its way through a request; ``key`` is its own in the cache, once that was asked.

    ``elsewhere`` says that another slot has predicted it, where it was counted and captured.
    """

    record: Record
    id: str
    version: int
    key: str = ""
    output: Output | None = None
    cached: bool = False
    elsewhere: bool = False


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
    placing: "Placing"
    places: list[Place] = field(default_factory=list)


class Placing(Protocol):
    """Which versions predict the records of a request, and by which ids; ``field`` is what it calls its records.

    ``is_one_choice``: one version must predict them all.
    """

    field: str
    is_one_choice: bool

    def place(self, request: PredictionRequest, records: Sequence[Record]) -> list[Place]:
        """The places of records that are whole, for ``request.places``."""
        ...

    def goes_on_without(self, request: PredictionRequest, version: int) -> bool:
        """Take a version that failed out of the places; False where the request needs it."""
        ...

    def can_use(self, output: Output) -> bool:
        """Whether what another slot has predicted holds what the request is about."""
        ...


class ByRecord:
    """Places each record by itself: the version that is addressed, or that the release assigns.

    Records without a sticky value are assigned together, by the first one's id: a candidate that had one record of each
    request would be faster than a stable version that has the other nineteen.
    """

    field = "inputs"
    is_one_choice = False

    def __init__(self, releases: Releases) -> None:
        self._releases = releases

    def place(self, request: PredictionRequest, records: Sequence[Record]) -> list[Place]:
        together = new_random()
        return [
            self._place(request, record, asked, random=new_random() if number else together, together=together)
            for number, (record, asked) in enumerate(zip(records, request.records, strict=True))
        ]

    def goes_on_without(self, request: PredictionRequest, version: int) -> bool:  # noqa: ARG002 - as `Placing` has it
        return False

    def can_use(self, output: Output) -> bool:  # noqa: ARG002 - as `Placing` has it
        return True

    def _place(
        self, request: PredictionRequest, record: Record, asked: RequestRecord, *, random: str, together: str
    ) -> Place:
        assigned = request.version
        if assigned is None:
            release = self._releases.of(request.model)
            sticky = asked.sent(release.sticky) if release.sticky else None
            assigned = assign(release, together if sticky is None else str(sticky))
        return Place(record, f"{request.model}.{assigned}.{random}", assigned)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a protocol's request asks for: ``read`` takes the records from it, ``answer`` makes the answer.

    ``placing`` is by default `ByRecord`.
    """

    model: str
    version: int | None
    read: Callable[[RecordReader], list[RequestRecord]]
    answer: Callable[[list[Prediction]], Answer]
    placing: Placing | None = None


Predicting = Callable[[Callable[[Call], Ask]], Endpoint]
"""Makes an endpoint that predicts, from what reads a protocol's requests."""


def captures(request: PredictionRequest, *, kept: bool) -> list[str]:
    """A line for each record of an answered request; ``kept`` or for shadows only."""
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
            kept=kept,
        )
        for place in request.places
        if not place.elsewhere
    ]


def count_outputs(request: PredictionRequest) -> None:
    """Count what was predicted here. A request counts once, however many records it has: they may be about the same."""
    counted = [place for place in request.places if not place.elsewhere]
    sizes = Counter(place.version for place in counted)
    for place in counted:
        count_output(request.event, place.output or {}, 1 / sizes[place.version], Version=str(place.version))
