"""Which version answers a record: a pure function of the release and a key."""

from hashlib import blake2b

from slipway.releases.release import Release


def assign(release: Release, key: str) -> int:
    """The version for ``key``: the same key always gets the same version of the same release.

    ``key`` is the caller's sticky key, or the prediction id where there is none.
    """
    if not release.candidates:
        return release.stable
    point = position(release.salt, key)
    for candidate in release.candidates:
        if point < candidate.share:
            return candidate.version
        point -= candidate.share
    return release.stable


def position(salt: str, key: str) -> float:
    """A number from 0 to 1, uniform over keys and independent between salts."""
    digest = blake2b(key.encode(), digest_size=8, key=salt.encode()[:64]).digest()
    return int.from_bytes(digest) / 2**64
