"""The monitor: makes the profiles of each captured model, and gives each closed period to the steps, once and in order.

Captures come minutes late, so that a period closes some minutes after its end. Those that come later still are counted
when the hour's files have changed, for `late_hours`, and no step sees the period again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from slipway.models.package import Package
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import HOUR, CaptureReader, start_of_hour
from slipway.monitoring.profiles.bins import bins_of
from slipway.monitoring.profiles.hours import HourMaker, Packages
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.profiles.store import ProfileStore
from slipway.monitoring.state import StateStore, model_state, version_state
from slipway.monitoring.steps import Event, Findings, LabelledReader, NoLabels, Period, State, Step, Summing, SummingOf

_INDEX = "index"
_LONGEST_GRACE = 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """The length of a period, for how many hours captures may come late, and the models that are captured."""

    models: Sequence[str]
    minutes: int = 60
    late_hours: int = 24

    @property
    def grace(self) -> timedelta:
        """How long after its end a period closes."""
        return timedelta(minutes=min(self.minutes, _LONGEST_GRACE))

    def closed(self, now: datetime) -> datetime:
        """The end of the newest closed period."""
        length = timedelta(minutes=self.minutes)
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + (now - self.grace - midnight) // length * length

    def hours(self, now: datetime) -> list[datetime]:
        """The hours whose captures may still come, oldest first."""
        newest = start_of_hour(now)
        return [newest - HOUR * back for back in range(self.late_hours, -1, -1)]


@dataclass(frozen=True, slots=True)
class Found:
    """What the steps found of one version, by step and period."""

    model: str
    version: int
    step: str
    start: datetime
    findings: Findings


@dataclass(slots=True)
class Report:
    """What one run did."""

    profiles: list[Profile] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    broken: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def events(self) -> list[Event]:
        """The events of all findings, in order."""
        return [event for each in self.found for event in each.findings.events]


def _no_sums(_package: Package) -> Sequence[Summing]:
    return ()


class Monitor:
    """Runs every few minutes or hours; a run that is repeated changes nothing."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        reader: CaptureReader,
        packages: Packages,
        profiles: ProfileStore,
        states: StateStore,
        steps: Sequence[Step] = (),
        sums: SummingOf = _no_sums,
        labelled: LabelledReader | None = None,
    ) -> None:
        self._schedule = schedule
        self._reader = reader
        self._packages = packages
        self._profiles = profiles
        self._states = states
        self._steps = steps
        self._labelled = labelled or NoLabels()
        self._hours = HourMaker(reader, packages, minutes=schedule.minutes, sums=sums)

    def run(self, now: datetime) -> Report:
        """Make new and late profiles, and take the steps for the periods that have closed since the last run.

        Raises:
            UnavailableError: the bucket or the table cannot be reached; the next run does what is left.
        """
        report = Report()
        for model in self._schedule.models:
            self._make_profiles(model, now, report)
            self._take_steps(model, now, report)
        return report

    def _make_profiles(self, model: str, now: datetime, report: Report) -> None:
        name = model_state(model, _INDEX)
        known: Mapping[str, str] = (self._states.read(name) or {}).get("hours", {})
        sources: dict[str, str] = {}
        for hour in self._schedule.hours(now):
            source, files = self._hours.source(model, hour)
            if files and known.get(hour.isoformat()) != source:
                made = self._hours.make(model, hour)
                for profile in made.profiles:
                    self._profiles.write(profile)
                report.profiles += made.profiles
                report.broken[model] = report.broken.get(model, 0) + made.broken
                source = made.source
            sources[hour.isoformat()] = source
        if sources != known:
            self._states.write(name, {"hours": sources})

    def _take_steps(self, model: str, now: datetime, report: Report) -> None:
        oldest, closed = self._schedule.hours(now)[0], self._schedule.closed(now)
        if not self._steps:
            return
        for version in self._profiles.versions(model, oldest, closed):
            profiles = self._profiles.read(model, version, oldest, closed)
            for step in self._steps:
                report.found += self._take(step, (model, version), profiles, now)

    def _take(self, step: Step, of: tuple[str, int], profiles: Sequence[Profile], now: datetime) -> list[Found]:
        """Give one step the closed periods that it has not seen."""
        name = version_state(*of, step.name)
        stored = self._states.read(name)
        state: State | None = stored["state"] if stored else None
        seen = datetime.fromisoformat(stored["until"]) if stored else datetime.min.replace(tzinfo=UTC)
        new = [profile for profile in profiles if profile.start >= seen]
        found = []
        for profile in new:
            state, findings = step.after(state, self._period(profile, now))
            found.append(Found(*of, step.name, profile.start, findings))
        if new:
            self._states.write(name, {"until": self._schedule.closed(now).isoformat(), "state": state})
        return found

    def _period(self, profile: Profile, now: datetime) -> Period:
        package = self._packages(profile.model, profile.version)
        return Period(
            package=package,
            bins=bins_of(package.manifest, package.baseline),
            profile=profile,
            captures=lambda: self._captures(profile),
            labelled=lambda: [
                each
                for each in self._labelled.labelled(profile.model, profile.start, profile.end)
                if each.version == profile.version
            ],
            now=now,
        )

    def _captures(self, profile: Profile) -> Iterator[Capture]:
        found = self._reader.captures(profile.model, profile.start, profile.end)
        return (capture for capture in found if capture.version == profile.version)
