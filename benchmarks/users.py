"""Users of a simulated release: their shares of the requests, their rates, and the arms and buckets they are in."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from slipway.releases.routing.buckets import BUCKETS
from slipway.statistics.betting import Array

CANDIDATE, STABLE = 0, 1


@dataclass(frozen=True, slots=True)
class Population:
    """Users by their share of the requests. ``alike`` is the sum of the shapes of their rates' Beta distribution.

    Without it all rates are equal. With ``failing``, the first user's outcomes are all bad.
    """

    name: str
    weights: Array
    alike: float | None = None
    failing: bool = False

    def rates(self, rng: np.random.Generator, mean: float, worst: float) -> Array:
        """Each user's rate; ``worst`` is the first one's if that user fails always."""
        users = len(self.weights)
        rates = rng.beta(mean * self.alike, (1 - mean) * self.alike, users) if self.alike else np.full(users, mean)
        rates[:1] = worst if self.failing else rates[:1]
        return rates


@dataclass(frozen=True, slots=True)
class Cells:
    """The share of all requests in each arm, run and bucket, and the part of them whose outcome counts."""

    requests: Array
    counted: Array

    def draw(self, rng: np.random.Generator, requests: float) -> tuple[Array, Array]:
        """The number of outcomes, and of those that count, among about this many requests."""
        hits = rng.poisson(self.counted * requests).astype(float)
        return hits + rng.poisson((self.requests - self.counted) * requests), hits


def cells(
    rng: np.random.Generator, users: Population, runs: int, *, mean: float, more: float = 0, worst: float = 0
) -> Cells:
    """Draw which arm and bucket each user is in. The candidate's rates are higher by ``more`` of what is left to 1."""
    requests, counted = np.zeros((2, runs, BUCKETS)), np.zeros((2, runs, BUCKETS))
    for run in range(runs):
        arm, bucket = rng.integers(0, 2, len(users.weights)), rng.integers(0, BUCKETS, len(users.weights))
        rates = users.rates(rng, mean, worst)
        rates = np.where(arm == CANDIDATE, rates + more * (1 - rates), rates)
        place = arm * BUCKETS + bucket
        for sums, weights in ((requests, users.weights), (counted, users.weights * rates)):
            sums[:, run] = np.bincount(place, weights, minlength=2 * BUCKETS).reshape(2, BUCKETS)
    return Cells(requests, counted)


def shares(weights: Iterable[float]) -> Array:
    """Shares in proportion to weights."""
    array = np.array(list(weights))
    return array / array.sum()


ALIKE = (
    Population("2,000 equal users, no tastes", shares([1.0] * 2000)),
    Population("2,000 equal users with tastes", shares([1.0] * 2000), alike=10),
    Population("20,000 users by rank^-0.7, tastes", shares(1 / np.arange(1, 20_001) ** 0.7), alike=10),
    Population("2,000 Zipf users with tastes", shares(1 / np.arange(1, 2001)), alike=10),
    Population("one client of 30 %, tastes", shares([0.3 * 2000 / 0.7, *[1.0] * 2000]), alike=10),
    Population("one user of 0.5 % who always fails", shares([0.005 * 2000 / 0.995, *[1.0] * 2000]), failing=True),
)
TASTES = ALIKE[3:]
