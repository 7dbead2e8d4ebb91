"""Users with tastes of their own, and the groups of them that each version serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.statistics.betting import Array


@dataclass(frozen=True, slots=True)
class Client:
    """One user with a fixed share of the requests. ``label`` is the only label that its requests get."""

    share: float
    errors: float | None = None
    slower: float = 1.0
    label: str | None = None
    rewards: float = 1.0


@dataclass(frozen=True, slots=True)
class Users:
    """The callers. The n-th of them sends a share of the requests in proportion to 1 / n ** ``zipf``.

    Each user has rates of its own around those of the version, which differ the less the larger ``likeness`` is: a rate
    of mean m has the variance m (1 - m) / (likeness + 1) over the users.
    """

    number: int = 2000
    zipf: float = 0.0
    likeness: float = 10.0
    client: Client | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The users whose requests one version answers, added up by bucket; arrays of shape [runs, buckets].

    ``weight`` is the share of all requests. The others are means over the bucket's requests: factors of the version's
    rates, the share of requests that always fail, and what is added to scores and to the logarithms of latencies.
    ``labels`` has the shape [runs, buckets, labels].
    """

    weight: Array
    errors: Array | float = 1.0
    broken: Array | float = 0.0
    latency: Array | float = 0.0
    score: Array | float = 0.0
    wrong: Array | float = 1.0
    reward: Array | float = 1.0
    preferred: Array | float = 1.0
    labels: Array | None = None

    @classmethod
    def alike(cls, share: Array) -> "Group":
        """A share of the requests, per run, by users who are all alike."""
        return cls(share[:, None])


ALIKE = Users(likeness=1e6)
"""Users who differ in nothing but their assignment."""

# The likeness at which the users' rates of failure have an exponential distribution.
_SPREAD = 10.0
_TRAITS = ("errors", "broken", "latency", "score", "wrong", "reward", "preferred")


@dataclass(slots=True)
class Population:
    """The users of every run, drawn once; arrays of shape [runs, users].

    With ``sticky``, every user stays at one version as long as the shares do. Otherwise each request is assigned by
    itself, so that all versions serve all users. ``point`` is the user's place in the assignment.
    """

    weight: Array
    bucket: NDArray[np.int64]
    point: Array
    traits: Mapping[str, Array]
    labels: Array
    sticky: bool
    _known: dict[bytes, Group] = field(default_factory=dict)

    @classmethod
    def drawn(
        cls, rng: np.random.Generator, users: Users, stable: Behaviour, runs: int, *, sticky: bool, by_bucket: bool
    ) -> "Population":
        """Draw the users; ``by_bucket`` keeps buckets apart."""
        shape = (runs, users.number)
        weight, own = _weights(users), users.client
        traits = {
            "errors": rng.gamma(users.likeness / _SPREAD, _SPREAD / users.likeness, shape),
            "latency": rng.normal(0, 1 / users.likeness**0.5, shape),
            "score": rng.normal(0, stable.spread / (users.likeness + 1) ** 0.5, shape),
            **{name: _around(rng, getattr(stable, name), users.likeness, shape) for name in _SHARES},
        }
        labels = _label_factors(rng, stable, users.likeness, shape)
        traits["broken"] = np.zeros(shape)
        if own is not None:
            _become(rng, own, traits, labels, stable)
        for name in ("errors", "wrong", "reward"):
            # Over all requests the mean is the version's own, so that versions differ as the scenario says. The users
            # of an interleaving are a sample: their preferences add up to none only on average over the runs.
            traits[name] /= (traits[name] * weight).sum(axis=1, keepdims=True)
        buckets = rng.integers(BUCKETS, size=shape) if by_bucket else np.zeros(shape, dtype=np.int64)
        return cls(weight, buckets, rng.random(shape), traits, labels, sticky)

    @property
    def buckets(self) -> int:
        """The number of buckets that are kept apart."""
        return BUCKETS if self.bucket.any() else 1

    def groups(self, shares: Mapping[int, Array], *, stable: int, beside: bool = False) -> dict[int, Group]:
        """The users of each version at these shares; with ``beside``, every version sees every request."""
        if beside or not self.sticky:
            return {version: _scaled(self.everybody(), share) for version, share in shares.items()}
        found, low = {}, np.zeros(len(self.point))
        for version, share in shares.items():
            if version != stable:
                found[version] = self._between(low, low + share)
                low = low + share
        alive = low + shares[stable] > 0
        return {stable: self._between(low, np.where(alive, np.inf, low)), **found}

    def everybody(self) -> Group:
        """All users."""
        none = np.zeros(len(self.point))
        return self._between(none, none + np.inf)

    def _between(self, low: Array, high: Array) -> Group:
        key = np.stack([low, high]).tobytes()
        if key not in self._known:
            if len(self._known) > 50:
                self._known.clear()
            self._known[key] = self._added_up((self.point >= low[:, None]) & (self.point < high[:, None]))
        return self._known[key]

    def _added_up(self, members: NDArray[np.bool_]) -> Group:
        runs, buckets = len(members), self.buckets
        index = (np.arange(runs)[:, None] * buckets + self.bucket)[members]
        weights = np.broadcast_to(self.weight, members.shape)[members]

        def added(values: Array) -> Array:
            sums = np.bincount(index, weights * values, runs * buckets).astype(np.float64)
            return sums.reshape(runs, buckets)

        weight = added(np.ones(len(weights)))
        least = np.maximum(weight, 1e-300)
        traits = {name: added(self.traits[name][members]) / least for name in _TRAITS}
        labels = [added(self.labels[..., label][members]) / least for label in range(self.labels.shape[-1])]
        return Group(weight, **traits, labels=np.stack(labels, axis=-1) if labels else None)


_SHARES = ("wrong", "reward", "preferred")


def _weights(users: Users) -> Array:
    """Each user's share of the requests; the client, if there is one, is the first user."""
    weight: Array = np.power(np.arange(1.0, users.number + 1), -users.zipf)
    if users.client is not None:
        weight[1:] *= (1 / users.client.share - 1) / weight[1:].sum()
        weight[0] = 1.0
    weight /= weight.sum()
    return weight


def _around(rng: np.random.Generator, mean: float, likeness: float, shape: tuple[int, int]) -> Array:
    """Factors of mean 1 that turn a rate into rates of a Beta distribution."""
    inside = min(max(mean, 1e-3), 1 - 1e-3)
    return rng.beta(inside * likeness, (1 - inside) * likeness, shape) / inside


def _label_factors(rng: np.random.Generator, stable: Behaviour, likeness: float, shape: tuple[int, int]) -> Array:
    shares = np.maximum(np.array(list(stable.labels.values())), 1e-3)
    if not len(shares):
        return np.zeros((*shape, 0))
    factors: Array = rng.dirichlet(shares * likeness, shape) / shares
    return factors


def _become(rng: np.random.Generator, own: Client, traits: dict[str, Array], labels: Array, stable: Behaviour) -> None:
    """Make the first user the client, who always prefers the same of two rankings."""
    traits["broken"][:, 0] = own.errors or 0.0
    traits["latency"][:, 0] = np.log(own.slower)
    traits["reward"][:, 0] = own.rewards
    traits["preferred"][:, 0] = 2 * rng.integers(2, size=len(labels))
    if own.label in stable.labels:
        labels[:, 0] = [float(label == own.label) for label in stable.labels]


def _scaled(group: Group, share: Array) -> Group:
    return replace(group, weight=group.weight * share[:, None])
