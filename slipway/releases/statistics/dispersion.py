"""How much more a version's minutes differ than independent outcomes would, estimated from the stable version.

If outcomes of the same minute have the correlation r, the mean of n of them varies as the mean of n / (1 + (n - 1) r)
independent ones. This factor is the design effect of L. Kish, Survey Sampling (1965).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.statistics.betting import Array

Flags = NDArray[np.bool_]
# The weight of the assumption that outcomes are independent: so much, and as much again for each difference.
_PRIOR = 5.0
_LEAST_VARIANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over successive minutes of one version, each of shape [..., rows].

    ``jumps`` adds up the squared differences of the means of two successive minutes, in units of their variance if
    outcomes of variance 1 were independent; ``steps`` counts the differences, and ``weights`` is how often the
    correlation appears in ``jumps``. Differences ignore what moves slowly, as over a day. ``n`` and ``total`` are all
    outcomes, ``last_n`` and ``last_total`` those of the last minute with any.
    """

    jumps: Array
    steps: Array
    weights: Array
    n: Array
    total: Array
    last_n: Array
    last_total: Array

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> "Moments":
        """The moments before the first minute."""
        zero = np.zeros(shape)
        return cls(zero, zero, zero, zero, zero, zero, zero)

    def after(self, n: Array, total: Array) -> "Moments":
        """The moments after a minute; rows without outcomes keep theirs."""
        seen, both = n > 0, (n > 0) & (self.last_n > 0)
        inverse, last = 1 / np.maximum(n, 1e-9), 1 / np.maximum(self.last_n, 1e-9)
        difference = total * inverse - self.last_total * last
        scale = np.where(both, 1 / (inverse + last), 0.0)
        return Moments(
            self.jumps + scale * difference**2,
            self.steps + both,
            self.weights + scale * np.maximum(2 - inverse - last, 0.0),
            self.n + n,
            self.total + total,
            np.where(seen, n, self.last_n),
            np.where(seen, total, self.last_total),
        )

    @property
    def correlation(self) -> Array:
        """The correlation of two outcomes of one minute, from 0 to 1."""
        mean = self.total / np.maximum(self.n, 1e-9)
        variance = np.maximum(mean * (1 - mean), _LEAST_VARIANCE)
        # A sum of squares varies by the root of twice their number, so only what is above that counts as excess.
        excess = self.jumps / variance - self.steps - np.sqrt(2 * self.steps)
        correlation: Array = np.clip(excess / (self.weights + self.steps + _PRIOR), 0.0, 1.0)
        return correlation


def design_effect(n: Array, correlation: Array) -> Array:
    """The number of outcomes of a minute that carry as much evidence as one independent outcome."""
    effect: Array = 1 + np.maximum(n - 1, 0.0) * correlation
    return effect
