"""The requests of all runs, window by window: which users reach which version, and how they fare."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from slipway.config.releases.options import Interleave, Options, Shadow
from slipway.releases.evidence import tallies as keys
from slipway.releases.routing.sticky import sticky_of
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.past import Past
from slipway.releases.simulation.traffic.pattern import Traffic
from slipway.releases.simulation.traffic.streams import Counts, Measured, Stream, impressions
from slipway.releases.simulation.traffic.users import ALIKE, Group, Population
from slipway.statistics.betting import Array


@dataclass(slots=True)
class Arrivals:
    """The traffic of all versions; ``behaviours`` begins with the stable version."""

    behaviours: Mapping[int, Behaviour]
    traffic: Traffic
    options: Options
    population: Population | None
    past: Past
    streams: dict[int, Stream]

    @classmethod
    def of(
        cls,
        rng: np.random.Generator,
        behaviours: Mapping[int, Behaviour],
        traffic: Traffic,
        options: Options,
        runs: int,
    ) -> "Arrivals":
        """Draw the users and the past; `measure` comes before the first window."""
        stable = next(iter(behaviours.values()))
        sticky = sticky_of(options) is not None
        users = ALIKE if sticky and traffic.users is None else traffic.users
        population = None
        if users is not None:
            by_bucket = sticky or isinstance(options, Interleave)
            population = Population.drawn(rng, users, stable, runs, sticky=sticky, by_bucket=by_bucket)
        everybody = Group.alike(np.ones(runs)) if population is None else population.everybody()
        return cls(behaviours, traffic, options, population, Past.drawn(rng, stable, traffic, everybody), {})

    @property
    def clustered(self) -> bool:
        """Whether outcomes are counted by bucket."""
        return self.population is not None and self.population.buckets > 1

    def measure(self, measured: Mapping[int, Measured]) -> None:
        """Say how each version is measured."""
        stable = next(iter(self.behaviours))
        runs = len(self.past.known)
        self.streams = {
            version: Stream(does, self.traffic, measured[version], runs, cold=version != stable)
            for version, does in self.behaviours.items()
        }

    def draw(self, rng: np.random.Generator, shares: Array, minute: float, minutes: float) -> dict[int, Counts]:
        """Draw a window.

        Args:
            rng: the generator.
            shares: the shares that the versions should have, of shape [versions, runs]; zeros for runs that have ended.
            minute: the start of the window.
            minutes: its length.
        """
        versions = list(self.behaviours)
        beside = isinstance(self.options, Shadow | Interleave)
        wanted = self._beside(shares) if beside else self._alternating(self._split(shares), minute)
        groups = self._groups(dict(zip(versions, wanted, strict=True)), beside=beside)
        counts = {
            version: stream.draw(rng, groups[version], minute, minutes) for version, stream in self.streams.items()
        }
        if isinstance(self.options, Interleave):
            first, candidate = versions[:2]
            served = counts[first][keys.ERRORS][0]
            counts[candidate] |= impressions(rng, self.behaviours[candidate], self.traffic, groups[first], served)
        return counts

    def _groups(self, shares: dict[int, Array], *, beside: bool) -> dict[int, Group]:
        if self.population is None:
            return {version: Group.alike(share) for version, share in shares.items()}
        return self.population.groups(shares, stable=next(iter(shares)), beside=beside)

    def _beside(self, shares: Array) -> Array:
        """Candidates see a sample of all requests, and the stable version answers them all."""
        sample = self.options.sample if isinstance(self.options, Shadow) else 1.0
        live = shares.sum(axis=0)
        return np.stack([live, *(live * sample for _ in shares[1:])])

    def _split(self, shares: Array) -> Array:
        """The shares that a wrong assignment gives."""
        odds = self.traffic.split / (1 - self.traffic.split)
        wrong = np.concatenate([shares[:1], shares[1:] * odds])
        found: Array = wrong * shares.sum(axis=0) / np.maximum(wrong.sum(axis=0), 1e-12)
        return found

    def _alternating(self, shares: Array, minute: float) -> Array:
        """Twice the shares in every other minute, for the candidates or for the stable version."""
        if not self.traffic.alternate:
            return shares
        odd = int(minute) % 2
        return np.concatenate([2 * (1 - odd) * shares[:1], 2 * odd * shares[1:]])
