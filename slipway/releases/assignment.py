"""Which version answers a record: a pure function of the release and a key."""

from functools import lru_cache
from hashlib import blake2b
from math import inf, log
from struct import Struct

from slipway.releases.release import Release

# One digest has the draws of so many versions, which follow each other: those of a release mostly share one.
_VERSIONS = 16
_BLOCK = Struct(f"<{_VERSIONS}I")
_UNIT = 2.0**-32


def assign(release: Release, key: str) -> int:
    """The version for ``key``: the same key always gets the same version of the same release.

    Weighted rendezvous hashing: each version draws a number from the key, and the one whose number is best for its
    share answers. So a share that grows keeps its keys and takes only what it gains, whatever the other shares are.
    A draw is a version's own whatever stands beside it, since a process may not know all candidates.
    ``key`` is the caller's sticky key, or the prediction id where there is none.
    """
    stable = chosen = release.stable
    if not release.candidates:
        return stable
    block = stable // _VERSIONS
    draws = _draws(release.salt, block, key)
    own, best, rest = draws[stable % _VERSIONS], -inf, 1.0
    for candidate in release.candidates:
        version, share = candidate.version, candidate.share
        if share <= 0:
            continue
        if version // _VERSIONS != block:
            block = version // _VERSIONS
            draws = _draws(release.salt, block, key)
        rest -= share
        if (drawn := log((draws[version % _VERSIONS] + 0.5) * _UNIT) / share) > best:
            chosen, best = version, drawn
    # What rounding leaves of the whole never wins.
    if rest > 1e-9 and log((own + 0.5) * _UNIT) / rest > best:
        return stable
    return chosen


def position(salt: str, key: str) -> float:
    """A number from 0 to 1, uniform over keys and independent between salts."""
    return (_draws(salt, 0, key)[0] + 0.5) * _UNIT


def _draws(salt: str, block: int, key: str) -> tuple[int, ...]:
    """The draws of the versions of a block, of 32 bits each; no version has the first one of block 0."""
    hashed = _salted(salt, block).copy()
    hashed.update(key.encode())
    return _BLOCK.unpack(hashed.digest())


@lru_cache(maxsize=256)
def _salted(salt: str, block: int) -> blake2b:
    """The hash before any key: to copy it costs less than to make it."""
    # A salt may be longer than what a hash takes of it, and differ from another at its end.
    return blake2b(person=blake2b(f"{block} {salt}".encode(), digest_size=blake2b.PERSON_SIZE).digest())
