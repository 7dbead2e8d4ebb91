"""The light tier: how fast Lambda makes environments, and which requests find none."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from slipway.scale.buckets import Bucket
from slipway.scale.limits import Limits
from slipway.scale.traffic import Array, Traffic

_FAR = -20.0


@dataclass(frozen=True, slots=True)
class Lambda:
    """One function: seconds of a warm request and of a cold start, and what Lambda grants it.

    An environment answers one request at a time, and at most ``per_environment`` a second. ``ramp`` environments may
    start at once, and ``ramp_per_second`` from then on, as far as ``most``.
    """

    seconds: float
    cold_seconds: float
    ramp: float
    ramp_per_second: float
    most: float
    per_environment: float
    idle_seconds: float

    @classmethod
    def of(cls, limits: Limits, *, seconds: float) -> "Lambda":
        """A function of an account with these limits."""
        ramp = limits["lambda_ramp_environments"]
        return cls(
            seconds=seconds,
            cold_seconds=limits["cold_start_seconds"],
            ramp=ramp,
            ramp_per_second=ramp / limits["lambda_ramp_seconds"],
            most=limits["lambda_concurrency"],
            per_environment=limits["lambda_requests_per_environment"],
            idle_seconds=limits["idle_seconds"],
        )

    @property
    def rps(self) -> float:
        """What one environment answers in a second."""
        return min(1 / self.seconds, self.per_environment)

    def needed(self, rate: float) -> float:
        """The environments that a steady rate takes, with three deviations of room for chance."""
        return float(self.needed_over(np.array([rate]))[0])

    def needed_over(self, rate: Array) -> Array:
        """The same for each of some rates."""
        busy = rate / self.rps
        needed: Array = np.ceil(busy + 3 * np.sqrt(busy))
        return needed


@dataclass(frozen=True)
class Fleet:
    """What happened to the requests, each a rate over time; and the environments that there were."""

    environments: Array
    served: Array
    cold: Array
    throttled: Array


def blocked(servers: float, load: float) -> float:
    """The share of requests that find all warm environments busy, with ``load`` of them busy on average if they could.

    Erlang's loss formula for many servers: φ(z) / (√a Φ(z)) for c = a + z √a servers (D. L. Jagerman, Some properties
    of the Erlang loss function, 1974). It tends to the fluid's 1 - c/a in overload.
    """
    if load <= 0:
        return 0.0
    z = (servers - load) / math.sqrt(load)
    if z < _FAR:
        ratio = -z / (1 - 1 / z**2)
    else:
        ratio = math.exp(-z * z / 2) / (math.sqrt(2 * math.pi) * 0.5 * math.erfc(-z / math.sqrt(2)))
    return min(ratio / math.sqrt(load), 1.0)


def simulate(traffic: Traffic, function: Lambda) -> Fleet:
    """Send requests to a function that has no environments at first.

    A request that no warm environment can take starts one and waits for it. If none may start, it is throttled.
    """
    dt, warm = traffic.dt, 0.0
    starting = deque([0.0] * max(round((function.cold_seconds + 1 / function.rps) / dt), 1))
    tokens, used = Bucket.full(function.ramp_per_second, function.ramp), function.needed_over(traffic.rate)
    rows = np.empty((len(traffic.rate), 4))
    for place, rate in enumerate(traffic.rate):
        warm += starting.popleft()
        arriving = rate * dt
        by_warm = arriving * (1 - blocked(warm, rate / function.rps))
        room = max(function.most - warm - sum(starting), 0.0)
        cold = tokens.take(min(arriving - by_warm, room), dt)
        starting.append(cold)
        rows[place] = warm + sum(starting), (by_warm + cold) / dt, cold / dt, (arriving - by_warm - cold) / dt
        warm -= max(warm - used[place], 0.0) * min(dt / function.idle_seconds, 1.0)
    return Fleet(*rows.T)
