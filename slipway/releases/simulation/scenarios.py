"""A scenario: the versions of a simulated release, and their traffic."""

from dataclasses import dataclass, field

from slipway.config.releases.options import AbTest, Bandit, Canary, JudgeConfig, Options
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.pattern import DAY, Traffic

STABLE = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """The stable version, the candidates and the traffic of a simulated release."""

    name: str
    candidates: tuple[Behaviour, ...]
    stable: Behaviour = field(default_factory=Behaviour)
    traffic: Traffic = field(default_factory=Traffic)

    @property
    def versions(self) -> tuple[int, ...]:
        """The version numbers of the candidates."""
        return tuple(range(STABLE + 1, STABLE + 1 + len(self.candidates)))


@dataclass(frozen=True, slots=True)
class Named:
    """A scenario with a description. With ``all_day``, the candidate keeps its share and is judged for a whole day.

    ``best`` is the version that an experiment should name, or None if it should name none. With ``sticky``, users stay
    at their version, if the strategy can do that and its options do not say how.
    """

    scenario: Scenario
    what: str
    all_day: bool = False
    best: int | None = None
    sticky: bool = False

    def setting(self, options: Options, judge: JudgeConfig) -> tuple[Options, JudgeConfig]:
        """The options and the judge's configuration for the scenario."""
        if self.sticky and isinstance(options, AbTest | Bandit) and options.sticky is None:
            options = options.model_copy(update={"sticky": "user"})
        if not self.all_day or not isinstance(options, Canary):
            return options, judge
        longer = judge.model_copy(update={"deadline_minutes": 2 * DAY})
        return options.model_copy(update={"bake_minutes": DAY}), longer


def longest_hours(options: Options) -> float:
    """The length of a run in hours: a day, and for a bandit first the cycle after which it may name a winner."""
    waits = (
        options.cycle_minutes + options.delay_minutes if isinstance(options, Bandit) and options.cycle_minutes else 0
    )
    return (DAY + waits) / 60
