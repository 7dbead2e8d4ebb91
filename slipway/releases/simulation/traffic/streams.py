"""The outcomes of requests to versions, drawn for many runs at once."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence import tallies as keys
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.disturbances import Disturbances, Disturbed
from slipway.releases.simulation.traffic.pattern import Traffic
from slipway.releases.simulation.traffic.users import Group
from slipway.statistics.betting import Array

Integers = NDArray[np.int64]
Counts = dict[str, tuple[Array, Array]]
"""The number and sum of each tally, each of shape [runs, buckets], or [runs] where buckets are added up."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How a release measures: its limits above which latencies (one per run) and values are counted.

    ``reward_delay`` is the age in minutes at which a bandit counts a prediction, with or without a reward. With None, a
    reward counts when it arrives. With ``shadow``, the version scores requests that the stable version answered.
    """

    latencies: Mapping[str, Array]
    values: Sequence[float] = ()
    reward_delay: float | None = None
    shadow: bool = False


class Stream:
    """One version's requests in all runs, with the labels and rewards that are still to arrive."""

    def __init__(
        self, behaviour: Behaviour, traffic: Traffic, measured: Measured, runs: int, *, cold: bool = False
    ) -> None:
        self._behaviour = behaviour
        self._traffic = traffic
        self._measured = measured
        self._disturbances = Disturbances(traffic.noise, runs, cold=cold)
        self._unlabelled: Integers | int = 0
        self._rewards = _Rewards(traffic, measured.reward_delay)

    def draw(self, rng: np.random.Generator, group: Group, minute: float, minutes: float) -> Counts:
        """Draw the outcomes of ``minutes`` from ``minute`` on, of the requests of these users."""
        does = self._behaviour
        n = rng.poisson(self._traffic.expected(minute, minutes) * group.weight)
        disturbed = self._disturbances.draw(rng, group.weight.sum(axis=1), minutes)
        failed = rng.binomial(n, self._failing(group, disturbed, minute))
        counts: Counts = {keys.ERRORS: (_real(n), _real(failed))}
        counts |= self._latencies(rng, n, group.latency + disturbed.latency) | self._predicted(rng, n, group)
        scores = rng.normal(n * np.clip(does.score + group.score, 0, 1), np.sqrt(n) * does.spread)
        counts[keys.SCORE] = (_real(n), np.clip(scores, 0, n))
        if self._measured.shadow:
            # No caller sees a shadow's answers, so they get no labels or rewards.
            compared = n - failed
            return counts | {keys.AGREEMENT: (_real(compared), _real(rng.binomial(compared, does.disagrees)))}
        rewarded = np.clip(does.reward * group.reward * self._traffic.rewarding(minute), 0, 1)
        counts[keys.REWARD] = self._rewards.draw(rng, n, rewarded, minute, minutes)
        return counts | self._labelled(rng, n, np.clip(does.wrong * group.wrong, 0, 1), minutes)

    def _failing(self, group: Group, disturbed: Disturbed, minute: float) -> Array:
        does, bursts = self._behaviour, self._traffic.noise.bursts
        own = np.minimum(does.errors * group.errors * disturbed.factor, 1.0)
        if bursts is not None:
            own = own + disturbed.burst * np.maximum(bursts.errors - own, 0)
        overloaded = group.weight.sum(axis=1, keepdims=True) > does.bears
        found: Array = 1 - (1 - own) * (1 - group.broken) * (1 - self._traffic.failing(minute)) * ~overloaded
        return found

    def _latencies(self, rng: np.random.Generator, n: Integers, log_factor: Array) -> Counts:
        if not self._measured.latencies:
            return {}
        limits = (self._measured.latencies[key][:, None] for key in (keys.P50, keys.P99))
        over_p50, over_p99 = (self._behaviour.over(limit, log_factor) for limit in limits)
        slow = rng.binomial(n, over_p50)
        slower = rng.binomial(slow, np.minimum(over_p99 / np.maximum(over_p50, 1e-300), 1.0))
        return {keys.P50: (_real(n), _real(slow)), keys.P99: (_real(n), _real(slower))}

    def _predicted(self, rng: np.random.Generator, n: Integers, group: Group) -> Counts:
        """Draw labels, or values above the limits."""
        does, limits = self._behaviour, sorted(self._measured.values)
        if not limits:
            shares = np.array(list(does.labels.values()))
            if group.labels is not None:
                shares = group.labels * shares + 1e-12
                shares = shares / shares.sum(axis=-1, keepdims=True)
            drawn = np.moveaxis(rng.multinomial(n, shares), -1, 0)
            return {
                keys.label_key(label): (_real(n), _real(one)) for label, one in zip(does.labels, drawn, strict=True)
            }
        over = [1.0, *map(does.value_over, limits), 0.0]
        bins = np.moveaxis(rng.multinomial(n, -np.diff(over)), -1, 0)
        beyond = bins[::-1].cumsum(axis=0)[-2::-1]
        return {keys.value_key(limit): (_real(n), _real(one)) for limit, one in zip(limits, beyond, strict=True)}

    def _labelled(self, rng: np.random.Generator, n: Integers, wrong: Array, minutes: float) -> Counts:
        """Draw labels, which arrive at a constant rate for each prediction that waits for one."""
        waiting = self._unlabelled + rng.binomial(n, self._traffic.feedback)
        come = rng.binomial(waiting, _come_within(minutes, self._traffic.feedback_minutes))
        self._unlabelled = waiting - come
        return {keys.ACCURACY: (_real(come), _real(rng.binomial(come, wrong)))}


class _Rewards:
    """The rewards of one version, each arriving at a constant rate; ``delay`` is `Measured.reward_delay`."""

    def __init__(self, traffic: Traffic, delay: float | None) -> None:
        self._after = traffic.reward_minutes
        self._delay = delay
        self._waiting: Integers | int = 0
        self._young: deque[tuple[float, Integers, Array]] = deque()

    def draw(
        self, rng: np.random.Generator, n: Integers, mean: Array, minute: float, minutes: float
    ) -> tuple[Array, Array]:
        """The number of outcomes that these minutes add, and their sum."""
        if self._delay is None:
            waiting = self._waiting + n
            come = rng.binomial(waiting, _come_within(minutes, self._after))
            self._waiting = waiting - come
            return _real(come), _real(rng.binomial(come, mean))
        self._young.append((minute + minutes + self._delay, n, mean))
        ripe, won = np.zeros_like(n), np.zeros_like(n)
        while self._young and self._young[0][0] <= minute + minutes:
            _, made, their_mean = self._young.popleft()
            ripe = ripe + made
            won = won + rng.binomial(made, their_mean * _come_within(self._delay, self._after))
        return _real(ripe), _real(won)


def impressions(
    rng: np.random.Generator, candidate: Behaviour, traffic: Traffic, group: Group, served: Array
) -> Counts:
    """Draw the winners of an interleaving's impressions."""
    n = served.astype(np.int64)
    ties = rng.binomial(n, traffic.ties)
    won = rng.binomial(n - ties, np.clip(candidate.preferred * group.preferred, 0, 1))
    return {keys.PREFERRED: (_real(n - ties), _real(won)), keys.TIES: (_real(ties), np.zeros(n.shape))}


def added_up(counts: Counts) -> Counts:
    """The counts with all buckets together."""
    return {key: (n.sum(axis=1), total.sum(axis=1)) for key, (n, total) in counts.items()}


def _come_within(minutes: float, mean: float) -> float:
    """The probability of arrival within ``minutes`` at a constant rate with this mean time."""
    return -math.expm1(-minutes / max(mean, 1e-9))


def _real(values: Integers) -> Array:
    real: Array = values.astype(np.float64)
    return real
