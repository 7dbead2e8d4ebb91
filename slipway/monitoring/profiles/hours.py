"""Makes the profiles of an hour, of every version and period, reading each capture file once."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from slipway.errors import InputError, NotFoundError, PackageError
from slipway.models.package import Package
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import HOUR, BrokenLine, CaptureReader, short_id
from slipway.monitoring.profiles.ledger import Ledger, LedgerStore, source_of
from slipway.monitoring.profiles.making import CHUNK, VersionBins, VersionCounting
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.steps import SummingOf

_LOG = logging.getLogger(__name__)
_WAITING = 2 * CHUNK

Packages = Callable[[str, int], Package]
"""The package of a version, with its manifest and measurements.

It raises PackageError or NotFoundError if the version cannot be used, and UnavailableError if it cannot be had now.
"""
HasTime = Callable[[], bool]
"""Whether there is time to read another file."""


@dataclass(frozen=True, slots=True)
class HourUpdate:
    """An hour after a run has read new files: the profiles that changed, and the ledger to keep once they are stored.

    ``source`` is the digest of all files read so far; unless ``finished``, files are left. ``late`` counts captures of
    periods that had closed, ``broken`` lines that are no captures of the hour, and ``unknown`` captures of versions
    that cannot be used.
    """

    ledger: Ledger
    profiles: tuple[Profile, ...]
    source: str
    finished: bool
    late: int
    broken: int
    unknown: int


class HourMaker:
    """Counts the captures of a model by version and period of ``minutes``, which divide an hour."""

    def __init__(
        self, reader: CaptureReader, ledgers: LedgerStore, packages: Packages, *, minutes: float, sums: SummingOf
    ) -> None:
        self._reader = reader
        self._ledgers = ledgers
        self._packages = packages
        self._minutes = minutes
        self._sums = sums
        self._bins: dict[tuple[str, int], VersionBins | None] = {}

    def update(
        self, model: str, hour: datetime, files: Sequence[str], *, closed: datetime, has_time: HasTime
    ) -> HourUpdate:
        """Read those of an hour's files that its ledger lacks, and add their captures to its profiles.

        ``closed`` is the end of the last period that the steps have seen.

        Raises:
            UnavailableError: the bucket cannot be reached, or a package cannot be had now.
        """
        ledger = self._ledger(model, hour)
        counting = _Counting(ledger, lambda version: self._version(model, version))
        unread, late, broken = ledger.unread(files), 0, 0
        left = set(unread)
        for key, captures in self._reader.each(unread):
            for capture in captures:
                start = self._period(capture, hour)
                if start is None or isinstance(capture, BrokenLine):
                    broken += 1
                elif (short := short_id(capture.id)) not in ledger.ids:
                    ledger.ids.add(short)
                    late += start < closed
                    counting.add(capture, start)
            ledger.files.add(short_id(key))
            left.discard(key)
            if left and not has_time():
                break
        source = source_of(key for key in files if key not in left)
        profiles = tuple(counting.finish(self._minutes, source))
        return HourUpdate(ledger, profiles, source, not left, late, broken, counting.unknown)

    def _ledger(self, model: str, hour: datetime) -> Ledger:
        """The hour's ledger; an empty one if it cannot be read, or counted into other bins than those of today."""
        try:
            ledger = self._ledgers.read(model, hour)
        except InputError as error:
            _LOG.error("the hour is read again from its beginning: %s", error)
            return Ledger()
        for profile in ledger.profiles.values():
            bins = self._version(model, profile.version)
            if bins is None or bins.digest != profile.baseline or profile.minutes != self._minutes:
                _LOG.warning("%s of %s is counted anew, into other bins or periods", f"{hour:%Y-%m-%d %H:00}", model)
                return Ledger()
        return ledger

    def _period(self, capture: Capture | BrokenLine, hour: datetime) -> datetime | None:
        """The start of a capture's period; None if it is not of this hour."""
        if isinstance(capture, BrokenLine) or not hour <= capture.made_at < hour + HOUR:
            return None
        length = timedelta(minutes=self._minutes)
        return hour + (capture.made_at - hour) // length * length

    def _version(self, model: str, version: int) -> VersionBins | None:
        if (model, version) not in self._bins:
            try:
                package = self._packages(model, version)
                self._bins[model, version] = VersionBins.of(package, self._sums(package))
            except (PackageError, NotFoundError) as error:
                _LOG.error("captures of %s %s cannot be counted: %s", model, version, error)
                self._bins[model, version] = None
        return self._bins[model, version]


class _Counting:
    """Counts an hour's new captures by version and period, some thousand at a time."""

    def __init__(self, ledger: Ledger, bins: Callable[[int], VersionBins | None]) -> None:
        self._ledger = ledger
        self._bins = bins
        self._countings: dict[tuple[int, datetime], VersionCounting] = {}
        self._waiting: dict[tuple[int, datetime], list[Capture]] = {}
        self._in_all = 0
        self.unknown = 0

    def add(self, capture: Capture, start: datetime) -> None:
        self._waiting.setdefault((capture.version, start), []).append(capture)
        self._in_all += 1
        if self._in_all == _WAITING:
            self._count()

    def finish(self, minutes: float, source: str) -> Iterator[Profile]:
        """Add what was counted to the ledger's profiles, and return those that changed, in order."""
        self._count()
        profiles = self._ledger.profiles
        for place, counting in sorted(self._countings.items(), key=lambda item: item[0]):
            made, known = counting.profile(place[1], minutes), profiles.get(place)
            profiles[place] = replace(made + known if known else made, source=source)
            yield profiles[place]

    def _count(self) -> None:
        for place, captures in self._waiting.items():
            bins = self._bins(place[0])
            if bins is None:
                self.unknown += len(captures)
            else:
                self._countings.setdefault(place, VersionCounting(bins.package, version=bins)).add(captures)
        self._waiting, self._in_all = {}, 0
