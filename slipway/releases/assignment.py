"""Which version answers a record: a pure function of the release and a key."""

from functools import lru_cache
from hashlib import blake2b
from math import inf, log
from struct import Struct

from slipway.releases.release import Release

_UNIT = 2.0**-32


def assign(release: Release, key: str) -> int:
    """The version for ``key``: the same key always gets the same version of the same release.

    Weighted rendezvous hashing: each version draws a number from the key, and the one whose number is best for its
    share answers. So a share that grows keeps its keys and takes only what it gains, whatever the other shares are.
    A draw goes by the place of a candidate, so a release has the same candidates in the same order all its life.
    ``key`` is the caller's sticky key, or the prediction id where there is none.
    """
    candidates = release.candidates
    if not candidates:
        return release.stable
    draws = _draws(release.salt, key, len(candidates) + 1)
    chosen, best, rest = release.stable, -inf, 1.0
    for candidate, draw in zip(candidates, draws, strict=False):
        share = candidate.share
        rest -= share
        if share > 0 and (drawn := log((draw + 0.5) * _UNIT) / share) > best:
            chosen, best = candidate.version, drawn
    # What rounding leaves of the whole never wins.
    if rest > 1e-9 and log((draws[-1] + 0.5) * _UNIT) / rest > best:
        return release.stable
    return chosen


def position(salt: str, key: str) -> float:
    """A number from 0 to 1, uniform over keys and independent between salts."""
    return (_draws(salt, key, 1)[0] + 0.5) * _UNIT


def _draws(salt: str, key: str, count: int) -> tuple[int, ...]:
    """Independent integers of 32 bits: a digest holds sixteen, and its own digest the next ones."""
    salted, drawn = _prepared(salt, count)
    hashed = salted.copy()
    hashed.update(key.encode())
    digest = hashed.digest()
    while len(digest) < drawn.size:
        digest += blake2b(digest).digest()
    return drawn.unpack_from(digest)


@lru_cache(maxsize=256)
def _prepared(salt: str, count: int) -> tuple[blake2b, Struct]:
    """The hash before any key, which costs less to copy than to make, and the form of so many draws."""
    # A salt may be longer than what a hash takes of it, and have its differences at the end.
    person = blake2b(salt.encode(), digest_size=blake2b.PERSON_SIZE).digest()
    return blake2b(person=person), Struct(f"<{count}I")
