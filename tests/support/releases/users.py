"""Users with tastes of their own, counted by bucket and version."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.releases.evidence.tallies import Clusters
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
        self, rng: np.random.Generator, outcomes: float, *, runs: int, mean: float = 0.1
    ) -> tuple[Sample, Sample]:
        """The samples of two equal versions in each run."""
        drawn = [self.experiment(rng, outcomes, mean=mean) for _ in range(runs)]
        ours, theirs = ([each[side] for each in drawn] for side in (0, 1))
        return stacked(ours), stacked(theirs)

    def experiment(
        self, rng: np.random.Generator, outcomes: float, *, mean: float = 0.1, lift: float = 1.0, before: float = 0
    ) -> tuple[Clusters, Clusters, Clusters]:
        """One run: candidate and stable version, and the users' ``before`` outcomes on a version before both.

        The rates of the candidate's users are ``lift`` times as high.
        """
        candidate = rng.random(len(self.weights)) < 0.5
        bucket = rng.integers(0, BUCKETS, len(self.weights))
        rates = self.rates(rng, mean)
        past = rng.poisson(self.weights * before)
        n = rng.poisson(self.weights * outcomes)
        total = rng.binomial(n, np.minimum(rates * np.where(candidate, lift, 1.0), 1.0))
        ours, theirs = (_clusters(bucket[side], n[side], total[side]) for side in (candidate, ~candidate))
        return ours, theirs, _clusters(bucket, past, rng.binomial(past, rates))


def stacked(clusters: Sequence[Clusters]) -> Sample:
    """One sample with a leading axis of runs."""
    return Sample.counted(np.array([each.n for each in clusters]), np.array([each.total for each in clusters]))


def _clusters(bucket: NDArray[np.int64], n: NDArray[np.int64], total: NDArray[np.int64]) -> Clusters:
    counts = (np.bincount(bucket, each, minlength=BUCKETS).tolist() for each in (n, total))
    return Clusters(*map(tuple, counts))


def zipf(users: int, alike: float | None = None) -> Users:
    """Users whose number of requests falls with their rank."""
    weights = 1 / np.arange(1, users + 1)
    return Users(weights / weights.sum(), alike)


def one_large(share: float, users: int, alike: float | None = None) -> Users:
    """Equal users, and one of a share of all requests."""
    return Users(np.concatenate([[share], np.full(users, (1 - share) / users)]), alike)
