"""The traffic of a simulation: how many requests come when, from whom, and what happens to them on the way."""

import math
from dataclasses import dataclass

from slipway.releases.simulation.traffic.users import Users

DAY = 1440.0


@dataclass(frozen=True, slots=True)
class Bursts:
    """Failures in bunches: ``a_day`` times a day, at random times, a version fails ``errors`` for some minutes."""

    errors: float = 0.05
    minutes: float = 2.0
    a_day: float = 2.0


@dataclass(frozen=True, slots=True)
class Noise:
    """Disturbances of single minutes, drawn for each version by itself.

    Rates of failures are multiplied by a Gamma variable of mean 1 with the variance ``dispersion``, and latencies by a
    log-normal variable whose logarithm has the standard deviation ``latency``. In its first ``cold_minutes`` with
    traffic, a candidate is slower by a factor between the two of ``cold_start``.
    """

    bursts: Bursts | None = None
    dispersion: float = 0.0
    latency: float = 0.0
    cold_start: tuple[float, float] | None = None
    cold_minutes: float = 1.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests per second and their feedback. Over the day the rate varies by factors of 1 ± ``daily``.

    A share ``feedback`` of the predictions gets a label, after ``feedback_minutes`` on average, and all get a reward,
    after ``reward_minutes`` on average. Between the two minutes of ``outage``, a shared dependency fails a share
    ``outage_errors`` of the requests. A share ``ties`` of an interleaving's impressions are ties. Traffic stops after
    ``stops`` minutes.

    - ``reward_swing``: over the day, the rewards of every version vary by factors of 1 ± this.
    - ``split``: what candidates get of a traffic that should be shared equally; 0.5 is a correct assignment.
    - ``alternate``: candidates and the stable version never get requests in the same minute.
    - ``silent``: no metric of a candidate ever arrives.
    """

    rps: float = 100.0
    daily: float = 0.0
    feedback: float = 0.02
    feedback_minutes: float = 240.0
    reward_minutes: float = 0.0
    outage: tuple[float, float] = (0.0, 0.0)
    outage_errors: float = 0.6
    ties: float = 0.6
    stops: float = math.inf
    noise: Noise = Noise()
    users: Users | None = None
    reward_swing: float = 0.0
    split: float = 0.5
    alternate: bool = False
    silent: bool = False

    def expected(self, minute: float, minutes: float) -> float:
        """The expected requests in ``minutes`` from ``minute`` on; the day starts at the mean rate and rises."""
        if minute >= self.stops:
            return 0.0
        return self.rps * 60 * minutes * (1 + self.daily * _wave(minute + minutes / 2))

    def failing(self, minute: float) -> float:
        """The share of requests that fail on every version."""
        return self.outage_errors if self.outage[0] <= minute < self.outage[1] else 0.0

    def rewarding(self, minute: float) -> float:
        """The factor of all rewards for predictions of this minute."""
        return 1 + self.reward_swing * _wave(minute)


def _wave(minute: float) -> float:
    return math.sin(2 * math.pi * minute / DAY)
