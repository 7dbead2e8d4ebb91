"""A discrete simulation in SimPy of what `slipway.scale` treats as a fluid: one process for each request."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from slipway.scale.environments import Lambda

_TICK = 0.01


@dataclass
class Seen:
    """When requests were answered or throttled, and how many environments there were at the end of each second."""

    served: list[float] = field(default_factory=list)
    throttled: list[float] = field(default_factory=list)
    environments: list[int] = field(default_factory=list)

    def per_second(self, times: list[float], seconds: int) -> Any:
        return np.histogram(times, bins=seconds, range=(0, seconds))[0].astype(float)


@dataclass
class _World:
    env: simpy.Environment
    function: Lambda
    idle: int = 0
    started: int = 0
    tokens: float = 0.0
    seen: Seen = field(default_factory=Seen)

    def request(self) -> Iterator[Any]:
        function = self.function
        if self.idle:
            self.idle -= 1
            self.seen.served.append(self.env.now)
            yield self.env.timeout(1 / function.rps)
        elif self.tokens >= 1 and self.started < function.most:
            self.tokens -= 1
            self.started += 1
            self.seen.served.append(self.env.now)
            yield self.env.timeout(function.cold_seconds + 1 / function.rps)
        else:
            self.seen.throttled.append(self.env.now)
            return
        self.idle += 1

    def arrivals(self, rps: float, rng: np.random.Generator) -> Iterator[Any]:
        while True:
            yield self.env.timeout(float(rng.exponential(1 / rps)))
            self.env.process(self.request())

    def refill(self) -> Iterator[Any]:
        while True:
            yield self.env.timeout(_TICK)
            self.tokens = min(self.function.ramp, self.tokens + self.function.ramp_per_second * _TICK)

    def count(self) -> Iterator[Any]:
        while True:
            yield self.env.timeout(1.0)
            self.seen.environments.append(self.started)


def referee(rps: float, seconds: int, function: Lambda, *, seed: int) -> Seen:
    """Send Poisson arrivals to a function without environments."""
    env = simpy.Environment()
    world = _World(env, function, tokens=function.ramp)
    for process in (world.arrivals(rps, np.random.default_rng(seed)), world.refill(), world.count()):
        env.process(process)
    env.run(until=seconds + 0.5)
    return world.seen
