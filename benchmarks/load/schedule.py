"""When which request is due: an open loop, so a slow answer delays no later request."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: seconds after the start, its kind, and the seed of its content."""

    at: float
    kind: str
    seed: int


def arrivals(shares: Mapping[str, float], *, rate: float, seconds: float, seed: int) -> Iterator[Arrival]:
    """Yield the arrivals of a Poisson process of ``rate`` a second, each of a kind drawn by its share."""
    chance = seeded(seed)
    kinds, weights = list(shares), list(shares.values())
    at = chance.expovariate(rate)
    while at < seconds:
        yield Arrival(at, chance.choices(kinds, weights)[0], chance.getrandbits(48))
        at += chance.expovariate(rate)


def seeded(seed: int) -> random.Random:
    """A source of chance that gives the same in every run."""
    return random.Random(seed)  # noqa: S311 - nothing is secret about a benchmark's requests
