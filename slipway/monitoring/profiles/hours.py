"""Makes the profiles of an hour, of every version and period, in one pass over the hour's capture files."""

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from slipway.errors import SlipwayError
from slipway.models.package import Package
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import HOUR, BrokenLine, CaptureReader, short_id
from slipway.monitoring.profiles.making import CHUNK, VersionCounting
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.steps import SummingOf

_LOG = logging.getLogger(__name__)
Packages = Callable[[str, int], Package]
"""The package of a version with its manifest and measurements; raises SlipwayError if there is none to be had."""

_Place = tuple[int, int]  # the version, and the number of the period in the hour


@dataclass(slots=True)
class Hour:
    """What an hour's capture files hold: the profiles, and the numbers of lines and captures that could not be used."""

    source: str
    profiles: list[Profile] = field(default_factory=list)
    broken: int = 0
    unknown: int = 0


class HourMaker:
    """Counts the captures of a model by version and period of ``minutes``, which divide an hour."""

    def __init__(self, reader: CaptureReader, packages: Packages, *, minutes: int, sums: SummingOf) -> None:
        self._reader = reader
        self._packages = packages
        self._minutes = minutes
        self._sums = sums

    def source(self, model: str, hour: datetime) -> tuple[str, list[str]]:
        """A digest of an hour's capture files, whose names are digests of their content, and the files."""
        files = self._reader.files(model, hour)
        return hashlib.sha256("\n".join(files).encode()).hexdigest(), files

    def make(self, model: str, hour: datetime) -> Hour:
        """Read an hour's files, and count each capture once.

        Raises:
            UnavailableError: the bucket cannot be reached.
        """
        source, files = self.source(model, hour)
        made = Hour(source)
        seen: set[int] = set()
        counting = _Countings(self, model, made)
        for key in files:
            for capture in self._reader.read(key):
                if isinstance(capture, BrokenLine) or not hour <= capture.made_at < hour + HOUR:
                    made.broken += 1
                elif (short := short_id(capture.id)) not in seen:
                    seen.add(short)
                    counting.add(capture, int((capture.made_at - hour) / timedelta(minutes=self._minutes)))
        made.profiles = list(counting.profiles(hour, source))
        return made


class _Countings:
    """The countings of an hour, by version and period."""

    def __init__(self, maker: HourMaker, model: str, made: Hour) -> None:
        self._maker = maker
        self._model = model
        self._made = made
        self._countings: dict[_Place, VersionCounting | None] = {}
        self._waiting: dict[_Place, list[Capture]] = {}

    def add(self, capture: Capture, period: int) -> None:
        place = (capture.version, period)
        waiting = self._waiting.setdefault(place, [])
        waiting.append(capture)
        if len(waiting) == CHUNK:
            self._count(place)

    def profiles(self, hour: datetime, source: str) -> Iterable[Profile]:
        for place in list(self._waiting):
            self._count(place)
        minutes = self._maker._minutes
        for (_, period), counting in sorted(self._countings.items(), key=lambda item: item[0]):
            if counting is not None:
                yield counting.profile(hour + timedelta(minutes=period * minutes), minutes, source=source)

    def _count(self, place: _Place) -> None:
        captures = self._waiting.pop(place)
        if place not in self._countings:
            self._countings[place] = self._new(place[0])
        counting = self._countings[place]
        if counting is None:
            self._made.unknown += len(captures)
        else:
            counting.add(captures)

    def _new(self, version: int) -> VersionCounting | None:
        try:
            package = self._maker._packages(self._model, version)
            return VersionCounting(package, self._maker._sums(package))
        except SlipwayError as error:
            _LOG.error("captures of %s %s cannot be counted: %s", self._model, version, error)
            return None
