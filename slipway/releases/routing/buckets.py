"""Buckets of the sticky value: they group users for counting, and never assign them."""

from hashlib import blake2b

BUCKETS = 128


def bucket_of(key: str) -> int:
    """The bucket of a sticky value, from 0 to 127; the same in every release, so that a bucket has a past."""
    return blake2b(key.encode(), digest_size=1, person=b"slipway-bucket").digest()[0] % BUCKETS
