"""Token buckets as fluids: what a rate with a burst lets through."""

from dataclasses import dataclass

import numpy as np

from slipway.scale.traffic import Array


@dataclass(slots=True)
class Bucket:
    """A bucket of at most ``burst`` tokens, refilled with ``per_second``, full at first."""

    per_second: float
    burst: float
    tokens: float

    @classmethod
    def full(cls, per_second: float, burst: float) -> "Bucket":
        """A bucket that nobody has taken from."""
        return cls(per_second, burst, burst)

    def take(self, wanted: float, dt: float) -> float:
        """Take what there is of ``wanted`` in ``dt`` seconds, during which the bucket is refilled."""
        there = self.tokens + self.per_second * dt
        taken = min(wanted, there)
        self.tokens = min(self.burst, there - taken)
        return taken


def admitted(rate: Array, dt: float, *, per_second: float, burst: float) -> Array:
    """The requests a second that a token bucket lets through."""
    bucket = Bucket.full(per_second, burst)
    return np.array([bucket.take(each * dt, dt) / dt for each in rate])
