"""The stable version's hours before a simulated release, which its evidence remembers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Reference, Tally
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.pattern import Traffic
from slipway.releases.simulation.traffic.streams import Counts, Measured, Stream, added_up
from slipway.releases.simulation.traffic.users import Group
from slipway.statistics.betting import Array

_MINUTES = 180
_LEAST_FOR_QUANTILES = 100
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Past:
    """The stable version's latency quantiles in milliseconds, per run, and its counts minute by minute."""

    p50_ms: Array
    p99_ms: Array
    known: NDArray[np.bool_]
    minutes: tuple[Counts, ...]

    @classmethod
    def drawn(cls, rng: np.random.Generator, stable: Behaviour, traffic: Traffic, users: Group) -> "Past":
        """Draw three hours of all requests to the stable version."""
        requests = rng.poisson(traffic.rps * 60 * _MINUTES, len(users.weight)).astype(np.float64)
        p50, p99 = (_latency(stable, traffic, users, _over(rng, requests, share)) for share in (0.5, 0.99))
        limits = {keys.P50: p50, keys.P99: p99}
        stream = Stream(stable, traffic, Measured(limits, stable.value_limits()), len(p50))
        minutes = []
        for minute in range(-_MINUTES, 0):
            drawn = added_up(stream.draw(rng, users, minute, 1))
            minutes.append({key: each for key, each in drawn.items() if key not in (keys.REWARD, keys.ACCURACY)})
        return cls(p50, p99, requests >= _LEAST_FOR_QUANTILES, tuple(minutes))

    def reference(self, run: int) -> Reference:
        """One run's reference, as the evidence reader gives it."""
        minutes = (
            {key: Tally(float(n[run]), float(total[run])) for key, (n, total) in m.items()} for m in self.minutes
        )
        past = tuple(minute for minute in minutes if minute[keys.ERRORS].n)
        tallies: dict[str, Tally] = {}
        for minute in past:
            for key, tally in minute.items():
                tallies[key] = tallies.get(key, keys.NOTHING) + tally
        if not self.known[run]:
            latencies = (keys.P50, keys.P99)
            past = tuple({key: each for key, each in minute.items() if key not in latencies} for minute in past)
            return Reference(tallies={key: each for key, each in tallies.items() if key not in latencies}, past=past)
        return Reference(float(self.p50_ms[run]), float(self.p99_ms[run]), tallies, past)


def _over(rng: np.random.Generator, requests: Array, share: float) -> Array:
    """The share of all latencies that is above a quantile of so many drawn ones, which is an order statistic."""
    rank = np.maximum(np.ceil(share * requests), 1)
    return 1 - rng.beta(rank, np.maximum(requests - rank, 0) + 1)


def _latency(stable: Behaviour, traffic: Traffic, users: Group, over: Array) -> Array:
    """The latency that a share ``over`` of the users' latencies is above, found by bisection."""
    low, high = np.full(len(over), 1e-3), np.full(len(over), 1e7)
    weight = users.weight / users.weight.sum(axis=1, keepdims=True)
    for _ in range(_HALVINGS):
        middle = np.sqrt(low * high)
        shares = (weight * stable.over(middle[:, None], users.latency, extra=traffic.noise.latency)).sum(axis=1)
        low, high = np.where(shares > over, middle, low), np.where(shares > over, high, middle)
    found: Array = np.sqrt(low * high)
    return found
