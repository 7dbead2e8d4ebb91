"""Which version answers a record: a pure function of the release and a key."""

from functools import lru_cache
from hashlib import blake2b
from math import log

from slipway.releases.release import Release

_UNIT = 2.0**-52
_MASK = 2**64 - 1


def assign(release: Release, key: str) -> int:
    """The version for ``key``: the same key always gets the same version of the same release.

    Weighted rendezvous hashing: each version draws a number from the key, and the one whose number is best for its
    share answers. So a share that grows keeps its keys and takes only what it gains, whatever the other shares are.
    ``key`` is the caller's sticky key, or the prediction id where there is none.
    """
    if not release.candidates:
        return release.stable
    point = _point(release.salt, key)
    # A share of nothing, or what rounding leaves of it, never wins.
    chosen, best, rest = release.stable, 0.0, 1.0
    for candidate in release.candidates:
        share = candidate.share
        rest -= share
        if share > 0 and (drawn := share / -log(_draw(point, candidate.version))) > best:
            chosen, best = candidate.version, drawn
    if rest > 1e-9 and rest / -log(_draw(point, release.stable)) > best:
        return release.stable
    return chosen


def _draw(point: int, version: int) -> float:
    """A number between 0 and 1 for a version, independent of the others': the finalizer of SplitMix64."""
    mixed = (point + version * 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    # 52 bits and a half are never 0 or 1.
    return (((mixed ^ (mixed >> 31)) >> 12) + 0.5) * _UNIT


def position(salt: str, key: str) -> float:
    """A number from 0 to 1, uniform over keys and independent between salts."""
    return _point(salt, key) * 2.0**-64


def _point(salt: str, key: str) -> int:
    hashed = _salted(salt).copy()
    hashed.update(key.encode())
    return int.from_bytes(hashed.digest())


@lru_cache(maxsize=256)
def _salted(salt: str) -> blake2b:
    """The hash before any key: to copy it costs less than to make it."""
    return blake2b(digest_size=8, key=salt.encode()[:64])
