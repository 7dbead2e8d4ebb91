"""The state of one prediction request, from its records to its answers."""

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from slipway.features.cache import Output, cache_key
from slipway.models.manifest import Record
from slipway.models.schema import RequestRecord
from slipway.monitoring.feedback.prediction_ids import new_random, parse_prediction_id, with_bucket
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.outputs import count_output
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.releases.routing.assignment import assign
from slipway.releases.routing.buckets import bucket_of
from slipway.serving.prediction.live_releases import Releases
from slipway.serving.prediction.reading import RecordReader


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one record; ``made_at`` is when a batch job made it, if it was precomputed."""

    id: str
    version: int
    output: Output
    cached: bool = False
    made_at: datetime | None = None


@dataclass(slots=True)
class Place:
    """One record's place in a request; ``key`` is its cache key once the cache has been looked up.

    ``record`` is empty until it is complete. A precomputed output has the time in ``made_at``, and the record that it
    is of.
    ``id`` is unsigned until the request is answered, unless another slot gave it. ``elsewhere`` means that another slot
    predicted, counted and captured the record. ``milliseconds`` is how long the graph ran on its batch here.
    ``bucket`` is that of its sticky value while a release is sticky. ``made_at_ms`` is the time of a prediction that a
    device made earlier.
    """

    id: str
    version: int
    record: Record = field(default_factory=dict)
    key: str = ""
    output: Output | None = None
    cached: bool = False
    elsewhere: bool = False
    milliseconds: float | None = None
    bucket: int | None = None
    made_at_ms: int | None = None
    made_at: datetime | None = None

    def prediction(self) -> Prediction:
        """The answer, once there is an output."""
        return Prediction(self.id, self.version, self.output or {}, self.cached, self.made_at)

    @property
    def counted_for(self) -> dict[str, str]:
        """What the record's metrics are counted for: its version and, while a release is sticky, its bucket."""
        named = {metrics.VERSION: str(self.version)}
        return named if self.bucket is None else {**named, metrics.BUCKET: str(self.bucket)}

    def move(self, version: int) -> None:
        """Assign the record to another version, which has not predicted it yet."""
        if self.version == version:
            return
        id_ = parse_prediction_id(self.id)._replace(version=version, digest="")
        self.version, self.id = version, str(id_)
        self.output, self.cached, self.elsewhere = None, False, False
        if self.made_at is not None:  # the record is as it was when the other version answered
            self.record, self.made_at = {}, None
        if self.key:
            self.key = cache_key(id_.model, version, self.record)


async def never() -> None:
    """Stand in for `disconnected` in Lambda, where the caller always waits; nothing awaits it."""
    raise AssertionError("nobody waits for a client that stays")


@dataclass(slots=True)
class RequestContext:
    """The context of a prediction's HTTP request.

    ``disconnected`` returns when the client has closed its connection. Captures contain ``request_id``. ``caller`` is
    the header that says who calls, and empty where nobody does.
    """

    event: RequestEvent
    request_id: str = ""
    disconnected: Callable[[], Awaitable[None]] = never
    caller: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """The request that a protocol passes to the pipeline; ``read`` parses its records.

    ``version`` is the version that the caller addresses, or None to let the release choose. ``placing`` defaults to
    `ByRecord`.
    """

    model: str
    version: int | None
    read: Callable[[RecordReader], list[RequestRecord]]
    placing: "Placing | None" = None


@dataclass(slots=True)
class PredictionRequest:
    """A request between the pipeline's steps; ``needs`` has the feature groups of each record that it lacks.

    ``deadline`` is when its records must have started to run, by `time.monotonic`, and ``started`` when it was
    received, by `time.perf_counter`.
    """

    model: str
    version: int | None
    context: RequestContext
    records: list[RequestRecord]
    needs: list[dict[str, str]]
    placing: "Placing"
    places: list[Place] = field(default_factory=list)
    deadline: float = math.inf
    started: float = 0.0

    @property
    def event(self) -> RequestEvent:
        """The request's telemetry event."""
        return self.context.event

    def open_places(self) -> list[Place]:
        """The places without an output."""
        return [place for place in self.places if place.output is None]


class Placing(Protocol):
    """Assigns versions and ids to the records of a request; ``field`` is the name of the records in the request.

    ``is_one_choice`` means that one version must predict all of them.
    """

    field: str
    is_one_choice: bool

    def place(self, request: PredictionRequest) -> list[Place]:
        """Return the places of the request's records, in their order, for ``request.places``."""
        ...

    def drop_version(self, request: PredictionRequest, version: int) -> bool:
        """Remove a failed version from the places; return False if the request needs it."""
        ...

    def can_use(self, output: Output) -> bool:
        """Whether another slot's output contains what the request needs."""
        ...

    def misfits(self, request: PredictionRequest) -> list[Place]:
        """Return the predicted places that do not fit into one answer; the stable version must predict them."""
        ...


class ByRecord:
    """Places each record independently, at the addressed version or the one that the release assigns.

    Records without a sticky value are assigned together by the first one's id, and counted in one bucket. Otherwise a
    candidate that gets one record of each request would look faster than a stable version that gets the other nineteen.
    """

    field = "inputs"
    is_one_choice = False

    def __init__(self, releases: Releases) -> None:
        self._releases = releases

    def place(self, request: PredictionRequest) -> list[Place]:
        together = new_random()
        release = self._releases.of(request.model)
        # A request that names a version is counted by bucket, too: the other slot forwards such requests.
        sticky = self._releases.sticky(request.model)
        places = []
        for number, asked in enumerate(request.records):
            value = asked.sent(sticky) if sticky else None
            key = together if value is None else str(value)
            version = assign(release, key) if request.version is None else request.version
            bucket = bucket_of(key) if sticky else None
            random = new_random() if number else together
            unique = random if bucket is None else with_bucket(random, bucket)
            places.append(Place(f"{request.model}.{version}.{unique}", version, bucket=bucket))
        return places

    def drop_version(self, request: PredictionRequest, version: int) -> bool:  # noqa: ARG002 - as `Placing` has it
        return False

    def can_use(self, output: Output) -> bool:  # noqa: ARG002 - as `Placing` has it
        return True

    def misfits(self, request: PredictionRequest) -> list[Place]:  # noqa: ARG002 - as `Placing` has it
        return []


def count_outputs(request: PredictionRequest) -> None:
    """Count this process's outputs. Each request has weight 1 per version, since its records may be similar."""
    counted = [place for place in request.places if not place.elsewhere]
    sizes = Counter(place.version for place in counted)
    for place in counted:
        count_output(request.event, place.output or {}, 1 / sizes[place.version], **place.counted_for)
