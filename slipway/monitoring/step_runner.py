"""Gives closed periods to the steps, each once and in order, with the state that a step had after the one before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slipway.errors import InputError
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import CaptureReader
from slipway.monitoring.profiles.bins import bins_of
from slipway.monitoring.profiles.hours import Packages
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.report import Found, Tell
from slipway.monitoring.state import StateStore, version_state
from slipway.monitoring.steps import LabelledReader, Period, State, Step

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StepRunner:
    """Runs steps for the periods of versions; ``tell`` hears of findings before they are remembered as told."""

    states: StateStore
    packages: Packages
    reader: CaptureReader
    labelled: LabelledReader
    tell: Tell

    def take(self, step: Step, profiles: Sequence[Profile], until: datetime, now: datetime) -> list[Found]:
        """Give a step those of a version's profiles that it has not seen; there is at least one, and they are in order.

        Raises:
            SlipwayError: something cannot be read, written or told; the next run gives the same periods again.
        """
        name = version_state(profiles[0].model, profiles[0].version, step.name)
        state, seen = _remembered(self.states.read(name), name)
        found: list[Found] = []
        for profile in profiles:
            if profile.start >= seen:
                state, findings = step.after(state, self._period(profile, now))
                found.append(Found(profile.model, profile.version, step.name, profile.start, findings))
        if found:
            self.tell(found)
            self.states.write(name, {"until": until.isoformat(), "state": state})
        return found

    def _period(self, profile: Profile, now: datetime) -> Period:
        package = self.packages(profile.model, profile.version)
        return Period(
            package=package,
            bins=bins_of(package.manifest, package.baseline),
            profile=profile,
            captures=lambda: self._captures(profile),
            labelled=lambda: [
                each
                for each in self.labelled.labelled(profile.model, profile.start, profile.end)
                if each.version == profile.version
            ],
            now=now,
        )

    def _captures(self, profile: Profile) -> Iterator[Capture]:
        found = self.reader.captures(profile.model, profile.start, profile.end)
        return (capture for capture in found if capture.version == profile.version)


def _remembered(stored: dict[str, Any] | None, name: str) -> tuple[State | None, datetime]:
    """A step's state, and the end of the periods that it has seen."""
    if stored is None:
        return None, _EARLIEST
    try:
        return stored["state"], datetime.fromisoformat(stored["until"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError.of(name, f"is not a step's state: {error}") from error
