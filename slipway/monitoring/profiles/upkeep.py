"""Keeps the profiles of a model up to date with its capture files."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slipway.monitoring.captures.reading import CaptureReader
from slipway.monitoring.index import Index
from slipway.monitoring.profiles.hours import HasTime, HourMaker, HourUpdate
from slipway.monitoring.profiles.ledger import LedgerStore, source_of
from slipway.monitoring.profiles.store import ProfileStore
from slipway.monitoring.report import ModelReport

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProfileUpkeep:
    """Makes the profiles of hours whose files have changed, and remembers in the index which files it has read."""

    reader: CaptureReader
    maker: HourMaker
    profiles: ProfileStore
    ledgers: LedgerStore

    def bring_up_to_date(
        self, hours: Sequence[datetime], index: Index, has_time: HasTime, report: ModelReport
    ) -> datetime | None:
        """Read the new files of ``hours``, oldest first; the first hour that could not be finished, or None.

        Raises:
            UnavailableError: the bucket cannot be reached, or a package cannot be had now. The index has what was done.
        """
        index.sources = {hour: source for hour, source in index.sources.items() if hour in hours}
        for hour, files in self.reader.files_by_hour(report.model, hours).items():
            if not files or index.sources.get(hour) == source_of(files):
                continue
            if not has_time():
                return hour
            update = self.maker.update(
                report.model, hour, files, closed=index.told or hour.min.replace(tzinfo=hour.tzinfo), has_time=has_time
            )
            self._store(update, hour, report)
            index.sources[hour] = update.source
            if not update.finished:
                return hour
        return None

    def _store(self, update: HourUpdate, hour: datetime, report: ModelReport) -> None:
        for profile in update.profiles:
            self.profiles.write(profile)
        # The ledger comes last: after a crash before it, the same files are read again into the same profiles.
        self.ledgers.write(report.model, hour, update.ledger)
        report.profiles += update.profiles
        report.late += update.late
        if update.broken:
            # Their content is not logged, because it is what callers sent to a model.
            place = (report.model, f"{hour:%Y-%m-%d %H:00}")
            _LOG.warning("%s, %s: %d lines are not captures of the hour, and are left out", *place, update.broken)
        report.broken += update.broken
        report.unknown += update.unknown
