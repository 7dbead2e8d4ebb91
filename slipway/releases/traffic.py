"""Simulated traffic: what versions do to requests, drawn for many runs at once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np

from slipway.releases import evidence as keys
from slipway.releases.betting import Array
from slipway.releases.evidence import Reference, Tally

_NORMAL = NormalDist()
_DAY = 1440.0
Counts = dict[str, tuple[Array, Array]]
"""For each tally its number and sum, of shape [runs]."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One version: its shares of failures, wrong labels, rewards and so on; latencies are log-normal.

    ``preferred`` is how often a candidate wins an impression that is not a tie, ``spread`` the deviation of a score.
    """

    errors: float = 0.001
    p50_ms: float = 20.0
    p99_ms: float = 60.0
    labels: Mapping[str, float] = field(default_factory=lambda: {"negative": 0.3, "neutral": 0.4, "positive": 0.3})
    score: float = 0.8
    spread: float = 0.15
    wrong: float = 0.25
    reward: float = 0.1
    preferred: float = 0.5

    def over(self, milliseconds: float) -> float:
        """The share of the latencies over a limit."""
        deviation = math.log(self.p99_ms / self.p50_ms) / _NORMAL.inv_cdf(0.99)
        distance = math.log(milliseconds / self.p50_ms)
        return 1 - _NORMAL.cdf(distance / deviation) if deviation else float(distance < 0)

    def slower(self, factor: float) -> "Behaviour":
        """The same, every request taking so many times as long."""
        return replace(self, p50_ms=self.p50_ms * factor, p99_ms=self.p99_ms * factor)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests a second, over the day from ``1 - daily`` to ``1 + daily`` times that, and what comes back of them.

    Of the predictions ``feedback`` get a label, after ``feedback_minutes`` on average; rewards are in after
    ``reward_minutes``. Between ``outage`` minutes, something that all versions share fails ``outage_errors``. ``ties``
    of the impressions of an interleaving decide nothing. Without traffic from ``stops`` minutes on.
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

    def expected(self, minute: float, minutes: float) -> float:
        """Requests to expect in so many minutes from a minute on; the day starts at its mean and rises."""
        if minute >= self.stops:
            return 0.0
        return self.rps * 60 * minutes * (1 + self.daily * math.sin(2 * math.pi * (minute + minutes / 2) / _DAY))

    def failing(self, minute: float) -> float:
        """The share of the requests that fail whatever the version."""
        return self.outage_errors if self.outage[0] <= minute < self.outage[1] else 0.0


class Stream:
    """One version's requests in all runs, and the labels and rewards that have still to come."""

    def __init__(self, behaviour: Behaviour, traffic: Traffic, limits: Mapping[str, float], runs: int) -> None:
        self._behaviour = behaviour
        self._traffic = traffic
        self._limits = limits
        self._unlabelled = np.zeros(runs, dtype=np.int64)
        self._unrewarded: list[tuple[float, Array]] = []

    def draw(self, rng: np.random.Generator, share: Array, minute: float, minutes: float) -> Counts:
        """What happens from a minute on, with this share of the traffic in each run."""
        does = self._behaviour
        n = rng.poisson(self._traffic.expected(minute, minutes) * share)
        broken = 1 - (1 - does.errors) * (1 - self._traffic.failing(minute))
        counts: Counts = {keys.ERRORS: (_real(n), _real(rng.binomial(n, broken)))}
        counts |= self._latencies(rng, n)
        for label, drawn in zip(does.labels, rng.multinomial(n, list(does.labels.values())).T, strict=True):
            counts[keys.label_key(label)] = (_real(n), _real(drawn))
        scores = rng.normal(n * does.score, np.sqrt(n) * does.spread)
        counts[keys.SCORE] = (_real(n), np.clip(scores, 0, n))
        return counts | self._labelled(rng, n, minutes) | self._rewarded(rng, n, minute + minutes)

    def _latencies(self, rng: np.random.Generator, n: "np.typing.NDArray[np.int64]") -> Counts:
        over_p50, over_p99 = (self._behaviour.over(self._limits[key]) for key in (keys.P50, keys.P99))
        slow = rng.binomial(n, over_p50)
        slower = rng.binomial(slow, min(over_p99 / over_p50, 1.0) if over_p50 else 0.0)
        return {keys.P50: (_real(n), _real(slow)), keys.P99: (_real(n), _real(slower))}

    def _labelled(self, rng: np.random.Generator, n: "np.typing.NDArray[np.int64]", minutes: float) -> Counts:
        """Labels come at a constant rate for each prediction that waits for one."""
        self._unlabelled += rng.binomial(n, self._traffic.feedback)
        come = rng.binomial(self._unlabelled, -math.expm1(-minutes / max(self._traffic.feedback_minutes, 1e-9)))
        self._unlabelled -= come
        return {keys.ACCURACY: (_real(come), _real(rng.binomial(come, self._behaviour.wrong)))}

    def _rewarded(self, rng: np.random.Generator, n: "np.typing.NDArray[np.int64]", now: float) -> Counts:
        self._unrewarded.append((now + self._traffic.reward_minutes, _real(n)))
        due = [made for at, made in self._unrewarded if at <= now]
        self._unrewarded = [(at, made) for at, made in self._unrewarded if at > now]
        ripe = np.sum(due, axis=0) if due else np.zeros(len(n))
        won = rng.binomial(ripe.astype(np.int64), self._behaviour.reward)
        return {keys.REWARD: (ripe, _real(won))}


def impressions(rng: np.random.Generator, candidate: Behaviour, traffic: Traffic, served: Array) -> Counts:
    """Who won the impressions of an interleaving."""
    n = served.astype(np.int64)
    ties = rng.binomial(n, traffic.ties)
    won = rng.binomial(n - ties, candidate.preferred)
    return {keys.PREFERRED: (_real(n - ties), _real(won)), keys.TIES: (_real(ties), np.zeros(len(n)))}


def reference(stable: Behaviour, traffic: Traffic) -> Reference:
    """What is known of the stable version before the release: an hour of it."""
    requests = traffic.rps * 3600
    tallies = {
        keys.ERRORS: Tally(requests, requests * stable.errors),
        keys.SCORE: Tally(requests, requests * stable.score),
    }
    tallies |= {keys.label_key(label): Tally(requests, requests * share) for label, share in stable.labels.items()}
    return Reference(stable.p50_ms, stable.p99_ms, tallies)


def _real(values: "np.typing.NDArray[np.int64]") -> Array:
    real: Array = values.astype(np.float64)
    return real
