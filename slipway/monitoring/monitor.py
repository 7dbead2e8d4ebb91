"""The monitor: makes the profiles of each captured model, and gives each closed period to the steps, once and in order.

Captures come minutes late, so that a period closes some minutes after its end. Captures that come later still change
its profile, for `monitoring.late_hours`, but no step sees it again.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from slipway.errors import SlipwayError
from slipway.models.package import Package
from slipway.monitoring.captures.bucket import ObjectBucket
from slipway.monitoring.captures.reading import CaptureReader
from slipway.monitoring.index import Index
from slipway.monitoring.profiles.hours import HasTime, HourMaker, Packages
from slipway.monitoring.profiles.ledger import LedgerStore
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.profiles.upkeep import ProfileUpkeep
from slipway.monitoring.report import ClosedPeriods, ModelReport, Report, Tell
from slipway.monitoring.schedule import Schedule
from slipway.monitoring.state import StateStore, model_state
from slipway.monitoring.step_runner import StepRunner
from slipway.monitoring.steps import LabelledReader, NoLabels, Step, Summing, SummingOf

_INDEX = "index"
_LOG = logging.getLogger(__name__)

Live = Callable[[str], Collection[int]]
"""The versions of a model that get traffic now; raises UnavailableError."""


def no_sums(_package: Package) -> Sequence[Summing]:
    """Sum nothing up beside the counts."""
    return ()


class Monitor:
    """Runs every few minutes, one run at a time; a run that is repeated changes nothing and tells of nothing twice."""

    def __init__(
        self,
        schedule: Schedule,
        bucket: ObjectBucket,
        *,
        packages: Packages,
        tell: Tell,
        live: Live,
        steps: Sequence[Step] = (),
        sums: SummingOf = no_sums,
        labelled: LabelledReader | None = None,
    ) -> None:
        reader, ledgers = CaptureReader(bucket), LedgerStore(bucket)
        maker = HourMaker(reader, ledgers, packages, minutes=schedule.minutes, sums=sums)
        self._schedule = schedule
        self._profiles = BucketProfiles(bucket)
        self._states = StateStore(bucket)
        self._upkeep = ProfileUpkeep(reader, maker, self._profiles, ledgers)
        self._runner = StepRunner(self._states, packages, reader, labelled or NoLabels(), tell)
        self._steps = steps
        self._tell = tell
        self._live = live

    def run(self, now: datetime, has_time: HasTime = lambda: True) -> Report:
        """Make new and late profiles, and take the steps for the periods that have closed since the last run.

        What fails, or there is no time for, is left to the next run; `Report.problems` has the failures.
        """
        report = Report()
        for model in self._schedule.models:
            report.models.append(ModelReport(model))
            with _reported(report, model):
                since, until = self._keep_profiles(report.models[-1], now, has_time)
                for version in self._profiles.versions(model, since, until) if self._steps else ():
                    profiles = self._profiles.read(model, version, since, until)
                    self._take_steps(profiles, until, now, report)
        return report

    def _keep_profiles(self, report: ModelReport, now: datetime, has_time: HasTime) -> tuple[datetime, datetime]:
        """Bring the profiles up to date, and return from where to where they are complete and closed."""
        name = model_state(report.model, _INDEX)
        stored = self._states.read(name)
        index = Index.of(stored)
        since, closed = self._schedule.oldest(now, index.finished), self._schedule.closed(now)
        try:
            unfinished = self._upkeep.bring_up_to_date(
                self._schedule.hours(now, index.finished), index, has_time, report
            )
            index.finished = unfinished or now
            until = min(closed, unfinished or closed)
            report.waiting = self._schedule.periods(until, closed)
            self._tell_of_periods(index, report.model, since, until)
        finally:
            if index.state() != stored:
                self._states.write(name, index.state())
        return since, until

    def _tell_of_periods(self, index: Index, model: str, since: datetime, until: datetime) -> None:
        """Tell how many captures each version had in the periods that closed, and which of a live version had none."""
        if index.told is not None and index.told >= until:
            return
        is_first = index.told is None
        since = max(since, index.told or since)
        versions = sorted({*self._profiles.versions(model, since, until), *(() if is_first else self._live(model))})
        found = {version: self._profiles.read(model, version, since, until) for version in versions}
        busy = 0 if is_first else len({profile.start for profiles in found.values() for profile in profiles})
        self._tell(
            [
                ClosedPeriods(model, version, sum(profile.records for profile in own), max(0, busy - len(own)))
                for version, own in found.items()
            ]
        )
        index.told = until

    def _take_steps(self, profiles: Sequence[Profile], until: datetime, now: datetime, report: Report) -> None:
        for step in self._steps:
            with _reported(report, f"{profiles[0].model} {profiles[0].version}, {step.name}"):
                report.found += self._runner.take(step, profiles, until, now)


@contextmanager
def _reported(report: Report, what: str) -> Iterator[None]:
    """Report an error of one part, so that the others go on."""
    try:
        yield
    except SlipwayError as error:
        _LOG.error("%s: %s", what, error)
        report.problems.append(f"{what}: {error}")
