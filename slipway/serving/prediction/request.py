"""One prediction request on its way from records to answers."""

import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
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
    """The place of one record in a request; ``key`` is its key in the cache once that was asked.

    ``elsewhere``: another slot has predicted the record, and has counted and captured it.
    """

    record: Record
    id: str
    version: int
    key: str = ""
    output: Output | None = None
    cached: bool = False
    elsewhere: bool = False


async def never() -> None:
    """The client stays until it is answered: AWS waits for a Lambda function."""
    raise AssertionError("nobody waits for a client that stays")


@dataclass(slots=True)
class RequestContext:
    """What a prediction needs of its HTTP request.

    ``disconnected`` returns when the client has closed its connection. ``request_id`` goes into captures.
    """

    event: RequestEvent
    request_id: str = ""
    disconnected: Callable[[], Awaitable[None]] = never


@dataclass(frozen=True, slots=True)
class Ask:
    """What a protocol's request asks for: ``read`` takes the records from it.

    ``version`` is the one that the caller addresses, None for the release's choice; ``placing`` is by default
    `ByRecord`.
    """

    model: str
    version: int | None
    read: Callable[[RecordReader], list[RequestRecord]]
    placing: "Placing | None" = None


@dataclass(slots=True)
class PredictionRequest:
    """A request between the steps of the pipeline; ``missing`` is to be read from the feature store.

    ``deadline`` is when its records must have begun to run, in the seconds of `time.monotonic`.
    """

    model: str
    version: int | None
    context: RequestContext
    records: list[RequestRecord]
    needs: list[dict[str, str]]
    missing: list[FeatureKey]
    placing: "Placing"
    places: list[Place] = field(default_factory=list)
    deadline: float = math.inf

    @property
    def event(self) -> RequestEvent:
        """What the request did."""
        return self.context.event


class Placing(Protocol):
    """Which versions predict the records of a request, and by which ids; ``field`` is what it calls its records.

    ``is_one_choice``: one version must predict them all.
    """

    field: str
    is_one_choice: bool

    def place(self, request: PredictionRequest, records: Sequence[Record]) -> list[Place]:
        """The places of whole records, for ``request.places``."""
        ...

    def drop_version(self, request: PredictionRequest, version: int) -> bool:
        """Take a version that failed out of the places; False where the request needs it."""
        ...

    def can_use(self, output: Output) -> bool:
        """Whether an output of another slot holds what the request is about."""
        ...


class ByRecord:
    """Places each record by itself: at the version that is addressed, or that the release assigns.

    Records without a sticky value are assigned together, by the first one's id: a candidate that got one record of each
    request would look faster than a stable version that gets the other nineteen.
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

    def drop_version(self, request: PredictionRequest, version: int) -> bool:  # noqa: ARG002 - as `Placing` has it
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


def captures(request: PredictionRequest, *, kept: bool) -> list[str]:
    """A line for each record of an answered request; without ``kept``, shadows score it and nothing stores it."""
    now = int(time.time() * 1000)
    return [
        capture_line(
            prediction_id=place.id,
            model=request.model,
            version=place.version,
            time_ms=now,
            request_id=request.context.request_id,
            inputs=place.record,
            outputs=place.output or {},
            kept=kept,
        )
        for place in request.places
        if not place.elsewhere
    ]


def count_outputs(request: PredictionRequest) -> None:
    """Count the outputs of this process. A request counts once, however many records it has: they may be alike."""
    counted = [place for place in request.places if not place.elsewhere]
    sizes = Counter(place.version for place in counted)
    for place in counted:
        count_output(request.event, place.output or {}, 1 / sizes[place.version], Version=str(place.version))
