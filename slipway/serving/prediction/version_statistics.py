"""What a process has done since it started, by version. It stays in memory, and costs a request a few additions."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.serving.prediction.request import PredictionRequest

if TYPE_CHECKING:
    from slipway.serving.prediction.runner import Answered


@dataclass(slots=True)
class Durations:
    """A count of things, and the seconds that they took in all."""

    count: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one more, which took so long."""
        self.count += 1
        self.seconds += seconds


@dataclass(slots=True)
class VersionStatistics:
    """The requests and the graph runs of one version.

    ``answered``, ``failed``, ``queued`` and ``ran`` count requests: the whole of those that were answered or failed,
    their time in the queue, and the time of their graph. ``cached`` counts records from the prediction cache, and
    ``batches`` the runs of the graph by their number of records. ``last_request`` is when the last answered request
    began, in seconds since the epoch.
    """

    answered: Durations = field(default_factory=Durations)
    failed: Durations = field(default_factory=Durations)
    queued: Durations = field(default_factory=Durations)
    ran: Durations = field(default_factory=Durations)
    cached: Durations = field(default_factory=Durations)
    batches: defaultdict[int, Durations] = field(default_factory=lambda: defaultdict(Durations))
    last_request: float = 0.0


class Statistics:
    """The statistics of a process, for use on one thread."""

    def __init__(self) -> None:
        self._versions: defaultdict[tuple[str, int], VersionStatistics] = defaultdict(VersionStatistics)

    def of(self, model: str, version: int) -> VersionStatistics:
        """Return the statistics of a version."""
        return self._versions[model, version]

    def restart(self) -> None:
        """Forget everything, as after synthetic requests."""
        self._versions.clear()

    def ran(self, request: PredictionRequest, version: int, answered: "Answered") -> None:
        """Count the records of a request that a version predicted."""
        found = self._versions[request.model, version]
        found.ran.add(answered.ran)
        if answered.queued is not None:
            found.queued.add(answered.queued)

    def ran_batch(self, model: str, version: int, size: int, seconds: float) -> None:
        """Count a run of a version's graph."""
        self._versions[model, version].batches[size].add(seconds)

    def found_in_cache(self, request: PredictionRequest, seconds: float) -> None:
        """Count the records of a request that the cache had, which share the time of looking."""
        cached = [place.version for place in request.places if place.cached]
        for version in cached:
            self._versions[request.model, version].cached.add(seconds / len(cached))

    def answered(self, request: PredictionRequest) -> None:
        """Count a request for each version that answered a record of it here."""
        seconds = time.perf_counter() - request.started
        for version in {place.version for place in request.places if not place.elsewhere}:
            found = self._versions[request.model, version]
            found.answered.add(seconds)
            found.last_request = request.event.began

    def failed(self, request: PredictionRequest, version: int) -> None:
        """Count a request that a version failed."""
        self._versions[request.model, version].failed.add(time.perf_counter() - request.started)
