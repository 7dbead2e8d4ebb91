"""Users with tastes of their own, counted by bucket and version."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.statistics.clusters import Sample

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Users:
    """The share of requests of each user, and how far users differ: the ``alike`` of Beta(mean · alike, …) rates."""

    weights: Array
    alike: float | None = None

    def rates(self, rng: np.random.Generator, mean: float) -> Array:
        """The rate of good outcomes of each user."""
        if self.alike is None:
            return np.full(len(self.weights), mean)
        return rng.beta(mean * self.alike, (1 - mean) * self.alike, len(self.weights))

    def counted(
        self, rng: np.random.Generator, outcomes: float, *, runs: int, mean: float = 0.1, lift: float = 1.0
    ) -> tuple[Sample, Sample]:
        """The samples of candidate and stable version in each run; the candidate's rates are ``lift`` times as high."""
        counts = np.zeros((2, 2, runs, BUCKETS))
        for run in range(runs):
            candidate = rng.random(len(self.weights)) < 0.5
            bucket = rng.integers(0, BUCKETS, len(self.weights))
            rates = np.minimum(self.rates(rng, mean) * np.where(candidate, lift, 1.0), 1.0)
            n = rng.poisson(self.weights * outcomes)
            total = rng.binomial(n, rates)
            for side, mine in enumerate((candidate, ~candidate)):
                counts[side, 0, run] = np.bincount(bucket[mine], n[mine], minlength=BUCKETS)
                counts[side, 1, run] = np.bincount(bucket[mine], total[mine], minlength=BUCKETS)
        return Sample.counted(*counts[0]), Sample.counted(*counts[1])


def zipf(users: int, alike: float | None = None) -> Users:
    """Users whose number of requests falls with their rank."""
    weights = 1 / np.arange(1, users + 1)
    return Users(weights / weights.sum(), alike)


def one_large(share: float, users: int, alike: float | None = None) -> Users:
    """Equal users, and one of a share of all requests."""
    return Users(np.concatenate([[share], np.full(users, (1 - share) / users)]), alike)
