"""The behaviour of one version in a simulation: its rates of failures, wrong labels, rewards and so on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np

from slipway.statistics.betting import Array

_NORMAL = NormalDist()
_VALUE_QUANTILES = (0.2, 0.4, 0.6, 0.8)
_erfc = np.vectorize(math.erfc, otypes=[float])


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The behaviour of one version. Latencies are log-normal.

    ``preferred`` is the rate at which a candidate wins impressions that are not ties, and ``disagrees`` the rate at
    which a shadow disagrees with the stable version. Scores have the standard deviation ``spread``. A regression has no
    labels; it predicts normally distributed values with mean ``value`` and standard deviation ``value_spread``. With a
    share above ``bears``, the version fails everything.
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
    bears: float = math.inf

    @property
    def deviation(self) -> float:
        """The standard deviation of the logarithm of a latency."""
        return math.log(self.p99_ms / self.p50_ms) / _NORMAL.inv_cdf(0.99)

    def over(self, milliseconds: Array, log_factor: Array | float = 0.0, extra: float = 0.0) -> Array:
        """The shares of latencies above the limits, for latencies that are ``exp(log_factor)`` times as long.

        ``extra`` is the standard deviation of a further factor that is drawn anew for each latency.
        """
        distance = np.log(milliseconds / self.p50_ms) - log_factor
        deviation = math.hypot(self.deviation, extra)
        shares: Array = _erfc(distance / deviation / math.sqrt(2)) / 2 if deviation else (distance < 0).astype(float)
        return shares

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
