"""Assign a record to a version: a pure function of the release and a key."""

from functools import lru_cache
from hashlib import blake2b
from math import inf, log

from slipway.releases.routing.release import Release

_UNIT = 2.0**-64
_MASK = 2**64 - 1


def assign(release: Release, key: str) -> int:
    """The version for ``key``. Within a release, the same key always gets the same version.

    This is weighted rendezvous hashing: each version draws a number from the key, and the best number relative to its
    share wins. A version whose share grows therefore keeps its keys and only gains others, whatever the other shares
    are. A version's draw does not depend on the other versions, because a process may not know all candidates.
    ``key`` is the caller's sticky key or, without one, the prediction id.
    """
    stable = chosen = release.stable
    if not release.candidates:
        return stable
    point = _point(release.salt, key)
    best, rest = -inf, 1.0
    for candidate in release.candidates:
        share = candidate.share
        rest -= share
        if share > 0 and (drawn := _draw(point, candidate.version) / share) > best:
            chosen, best = candidate.version, drawn
    # A remainder that comes from rounding never wins.
    return stable if rest > 1e-9 and _draw(point, stable) / rest > best else chosen


def _draw(point: int, version: int) -> float:
    """The logarithm of a version's draw between 0 and 1."""
    return log(((point * _factor(version) & _MASK) + 0.5) * _UNIT)


def position(salt: str, key: str) -> float:
    """A number from 0 to 1, uniform over keys and independent between salts."""
    return _point(salt, key) * _UNIT


def _point(salt: str, key: str) -> int:
    hashed = _salted(salt).copy()
    hashed.update(key.encode())
    return int.from_bytes(hashed.digest())


@lru_cache(maxsize=256)
def _salted(salt: str) -> blake2b:
    """The hash before any key. Copying it is cheaper than creating it."""
    # Hash the salt first: blake2b limits the length of `person`, and two long salts may differ only at the end.
    return blake2b(digest_size=8, person=blake2b(salt.encode(), digest_size=blake2b.PERSON_SIZE).digest())


@lru_cache(maxsize=256)
def _factor(version: int) -> int:
    """The random odd factor that turns a point into a version's draw, modulo 2**64.

    The draws of all points form a random lattice, which fills the cube of the versions as evenly as chance would.
    """
    return int.from_bytes(blake2b(str(version).encode(), digest_size=8).digest()) | 1
