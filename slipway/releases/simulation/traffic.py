"""Simulated traffic: the outcomes of requests to versions, drawn for many runs at once."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Reference, Tally
from slipway.releases.statistics.betting import Array

_NORMAL = NormalDist()
_DAY = 1440.0
_VALUE_QUANTILES = (0.2, 0.4, 0.6, 0.8)
Integers = NDArray[np.int64]
Counts = dict[str, tuple[Array, Array]]
"""The number and sum of each tally, each of shape [runs]."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The behaviour of one version: its rates of failures, wrong labels, rewards and so on. Latencies are log-normal.

    ``preferred`` is the rate at which a candidate wins impressions that are not ties, and ``disagrees`` the rate at
    which a shadow disagrees with the stable version. Scores have the standard deviation ``spread``. A regression has no
    labels; it predicts normally distributed values with mean ``value`` and standard deviation ``value_spread``.
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
    disagrees: float = 0.05
    value: float = 100.0
    value_spread: float = 30.0

    def over(self, milliseconds: float) -> float:
        """The share of latencies above a limit."""
        deviation = math.log(self.p99_ms / self.p50_ms) / _NORMAL.inv_cdf(0.99)
        distance = math.log(milliseconds / self.p50_ms)
        return 1 - _NORMAL.cdf(distance / deviation) if deviation else float(distance < 0)

    def value_over(self, limit: float) -> float:
        """The share of values above a limit."""
        return 1 - NormalDist(self.value, self.value_spread).cdf(limit)

    def value_limits(self) -> tuple[float, ...]:
        """The limits above which a regression's values are counted, if this is the stable version."""
        if self.labels:
            return ()
        return tuple(NormalDist(self.value, self.value_spread).inv_cdf(share) for share in _VALUE_QUANTILES)

    def slower(self, factor: float) -> "Behaviour":
        """The same behaviour with latencies multiplied by ``factor``."""
        return replace(self, p50_ms=self.p50_ms * factor, p99_ms=self.p99_ms * factor)


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests per second and their feedback. Over the day the rate varies by factors of 1 ± ``daily``.

    A share ``feedback`` of the predictions gets a label, after ``feedback_minutes`` on average, and all get a reward,
    after ``reward_minutes`` on average. Between the two minutes of ``outage``, a shared dependency fails a share
    ``outage_errors`` of the requests. A share ``ties`` of an interleaving's impressions are ties. Traffic stops after
    ``stops`` minutes.
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
        """The expected requests in ``minutes`` from ``minute`` on; the day starts at the mean rate and rises."""
        if minute >= self.stops:
            return 0.0
        return self.rps * 60 * minutes * (1 + self.daily * math.sin(2 * math.pi * (minute + minutes / 2) / _DAY))

    def failing(self, minute: float) -> float:
        """The share of requests that fail on every version."""
        return self.outage_errors if self.outage[0] <= minute < self.outage[1] else 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """How a release measures: the record's limits above which latencies and values are counted.

    ``reward_delay`` is the age in minutes at which a bandit counts a prediction, with or without a reward. With None, a
    reward counts when it arrives. With ``shadow``, the version scores requests that the stable version answered.
    """

    latencies: Mapping[str, float]
    values: Sequence[float] = ()
    reward_delay: float | None = None
    shadow: bool = False


class Stream:
    """One version's requests in all runs, with the labels and rewards that are still to arrive."""

    def __init__(self, behaviour: Behaviour, traffic: Traffic, measured: Measured, runs: int) -> None:
        self._behaviour = behaviour
        self._traffic = traffic
        self._measured = measured
        self._unlabelled = np.zeros(runs, dtype=np.int64)
        self._rewards = _Rewards(behaviour.reward, traffic.reward_minutes, measured.reward_delay, runs)

    def draw(self, rng: np.random.Generator, share: Array, minute: float, minutes: float) -> Counts:
        """Draw the outcomes of ``minutes`` from ``minute`` on, with this share of the traffic in each run."""
        does = self._behaviour
        n = rng.poisson(self._traffic.expected(minute, minutes) * share)
        broken = 1 - (1 - does.errors) * (1 - self._traffic.failing(minute))
        failed = rng.binomial(n, broken)
        counts: Counts = {keys.ERRORS: (_real(n), _real(failed))}
        counts |= self._latencies(rng, n) | self._predicted(rng, n)
        scores = rng.normal(n * does.score, np.sqrt(n) * does.spread)
        counts[keys.SCORE] = (_real(n), np.clip(scores, 0, n))
        if self._measured.shadow:
            # No caller sees a shadow's answers, so they get no labels or rewards.
            compared = n - failed
            return counts | {keys.AGREEMENT: (_real(compared), _real(rng.binomial(compared, does.disagrees)))}
        return counts | self._labelled(rng, n, minutes) | {keys.REWARD: self._rewards.draw(rng, n, minute, minutes)}

    def _latencies(self, rng: np.random.Generator, n: Integers) -> Counts:
        over_p50, over_p99 = (self._behaviour.over(self._measured.latencies[key]) for key in (keys.P50, keys.P99))
        slow = rng.binomial(n, over_p50)
        slower = rng.binomial(slow, min(over_p99 / over_p50, 1.0) if over_p50 else 0.0)
        return {keys.P50: (_real(n), _real(slow)), keys.P99: (_real(n), _real(slower))}

    def _predicted(self, rng: np.random.Generator, n: Integers) -> Counts:
        """Draw labels, or values above the limits."""
        does, limits = self._behaviour, sorted(self._measured.values)
        if not limits:
            drawn = rng.multinomial(n, list(does.labels.values())).T
            return {
                keys.label_key(label): (_real(n), _real(one)) for label, one in zip(does.labels, drawn, strict=True)
            }
        over = [1.0, *map(does.value_over, limits), 0.0]
        bins = rng.multinomial(n, -np.diff(over))
        beyond = bins[:, ::-1].cumsum(axis=1)[:, -2::-1].T
        return {keys.value_key(limit): (_real(n), _real(one)) for limit, one in zip(limits, beyond, strict=True)}

    def _labelled(self, rng: np.random.Generator, n: Integers, minutes: float) -> Counts:
        """Draw labels, which arrive at a constant rate for each prediction that waits for one."""
        self._unlabelled += rng.binomial(n, self._traffic.feedback)
        come = rng.binomial(self._unlabelled, _come_within(minutes, self._traffic.feedback_minutes))
        self._unlabelled -= come
        return {keys.ACCURACY: (_real(come), _real(rng.binomial(come, self._behaviour.wrong)))}


class _Rewards:
    """The rewards of one version, each arriving at a constant rate; ``delay`` is `Measured.reward_delay`."""

    def __init__(self, mean: float, after: float, delay: float | None, runs: int) -> None:
        self._mean = mean
        self._after = after
        self._delay = delay
        self._waiting = np.zeros(runs, dtype=np.int64)
        self._young: deque[tuple[float, Integers]] = deque()

    def draw(self, rng: np.random.Generator, n: Integers, minute: float, minutes: float) -> tuple[Array, Array]:
        """The number of outcomes that these minutes add, and their sum."""
        if self._delay is None:
            self._waiting += n
            come = rng.binomial(self._waiting, _come_within(minutes, self._after))
            self._waiting -= come
            return _real(come), _real(rng.binomial(come, self._mean))
        self._young.append((minute + minutes + self._delay, n))
        ripe = np.zeros(len(n), dtype=np.int64)
        while self._young and self._young[0][0] <= minute + minutes:
            ripe = ripe + self._young.popleft()[1]
        return _real(ripe), _real(rng.binomial(ripe, self._mean * _come_within(self._delay, self._after)))


def _come_within(minutes: float, mean: float) -> float:
    """The probability of arrival within ``minutes`` at a constant rate with this mean time."""
    return -math.expm1(-minutes / max(mean, 1e-9))


def impressions(rng: np.random.Generator, candidate: Behaviour, traffic: Traffic, served: Array) -> Counts:
    """Draw the winners of an interleaving's impressions."""
    n = served.astype(np.int64)
    ties = rng.binomial(n, traffic.ties)
    won = rng.binomial(n - ties, candidate.preferred)
    return {keys.PREFERRED: (_real(n - ties), _real(won)), keys.TIES: (_real(ties), np.zeros(len(n)))}


def reference(stable: Behaviour, traffic: Traffic) -> Reference:
    """The reference of the stable version: its last hour before the release."""
    requests = traffic.rps * 3600
    tallies = {
        keys.ERRORS: Tally(requests, requests * stable.errors),
        keys.SCORE: Tally(requests, requests * stable.score),
    }
    tallies |= {keys.label_key(label): Tally(requests, requests * share) for label, share in stable.labels.items()}
    for limit in stable.value_limits():
        tallies[keys.value_key(limit)] = Tally(requests, requests * stable.value_over(limit))
    return Reference(stable.p50_ms, stable.p99_ms, tallies)


def _real(values: Integers) -> Array:
    real: Array = values.astype(np.float64)
    return real
