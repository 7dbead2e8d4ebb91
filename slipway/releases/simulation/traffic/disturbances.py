"""Disturbances of one version, minute by minute: bursts of failures, dispersion, latency effects and cold starts."""

from dataclasses import dataclass

import numpy as np

from slipway.releases.simulation.traffic.pattern import DAY, Noise
from slipway.statistics.betting import Array


@dataclass(frozen=True, slots=True)
class Disturbed:
    """What a window does to a version's rates, per run, each of shape [runs, 1].

    Failures are multiplied by ``factor``; in a share ``burst`` of the window they are those of the burst. ``latency``
    is added to the logarithms of latencies.
    """

    factor: Array
    burst: Array
    latency: Array


class Disturbances:
    """The disturbances of one version in all runs; only a candidate is ``cold`` at first."""

    def __init__(self, noise: Noise, runs: int, *, cold: bool) -> None:
        self._noise = noise
        self._left = np.zeros(runs)
        self._cold = np.full(runs, cold and noise.cold_start is not None)

    def draw(self, rng: np.random.Generator, served: Array, minutes: float) -> Disturbed:
        """Draw a window in which the runs with ``served`` have traffic."""
        found = (self._dispersion(rng), self._burst(rng, minutes), self._latency(rng, served, minutes))
        return Disturbed(*(each[:, None] for each in found))

    def _dispersion(self, rng: np.random.Generator) -> Array:
        variance = self._noise.dispersion
        if not variance:
            return np.ones(len(self._left))
        return rng.gamma(1 / variance, variance, len(self._left))

    def _burst(self, rng: np.random.Generator, minutes: float) -> Array:
        """The share of the window that is within a burst."""
        bursts = self._noise.bursts
        if bursts is None:
            return np.zeros(len(self._left))
        starts = rng.random(len(self._left)) < bursts.a_day * minutes / DAY
        self._left = np.where(starts, bursts.minutes, self._left)
        inside = np.minimum(self._left, minutes)
        self._left = self._left - inside
        share: Array = inside / minutes
        return share

    def _latency(self, rng: np.random.Generator, served: Array, minutes: float) -> Array:
        noise = self._noise
        found = rng.normal(0, noise.latency, len(self._left)) if noise.latency else np.zeros(len(self._left))
        if noise.cold_start is not None and self._cold.any():
            # A window of several minutes is cold only in the first of them; the mean of the logarithm is near enough.
            low, high = np.log(noise.cold_start)
            found = found + np.where(self._cold & (served > 0), rng.uniform(low, high, len(found)), 0) / minutes
            self._cold &= served <= 0
        return found
