"""Outcomes by the bucket of the sticky value, and their attributes in a counter's item.

A counter has one item per shard, and the last byte of a prediction id chooses the shard. That byte is the bucket, so an
item with 8 shards holds 16 of the 128 buckets: 32 numbers in some 500 bytes, and one write unit as before.
"""

import re
from collections.abc import Mapping

from slipway.aws.table import Item

BucketSums = Mapping[int, tuple[float, float]]
"""The number of outcomes and their sum, by bucket."""

_NUMBER, _TOTAL = "n", "t"
_ATTRIBUTE = re.compile(rf"{_NUMBER}(\d+)")


def merged(one: BucketSums, other: BucketSums) -> BucketSums:
    """Add two sets of sums."""
    sums = dict(one)
    for bucket, (n, total) in other.items():
        before = sums.get(bucket, (0.0, 0.0))
        sums[bucket] = (before[0] + n, before[1] + total)
    return sums


def attributes(sums: BucketSums) -> dict[str, float]:
    """Return the attributes of an item that hold these sums."""
    found: dict[str, float] = {}
    for bucket, (n, total) in sums.items():
        found |= {f"{_NUMBER}{bucket}": n, f"{_TOTAL}{bucket}": total}
    return found


def read_sums(item: Item) -> BucketSums:
    """Read the sums of an item; empty if none of its predictions had a sticky value."""
    buckets = [int(found[1]) for name in item if (found := _ATTRIBUTE.fullmatch(name))]
    return {b: (float(item[f"{_NUMBER}{b}"]["N"]), float(item[f"{_TOTAL}{b}"]["N"])) for b in buckets}
