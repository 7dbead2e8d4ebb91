from collections import Counter

from slipway.releases.routing.assignment import position
from slipway.releases.routing.buckets import BUCKETS, bucket_of


def test_users_spread_evenly_over_the_buckets() -> None:
    counts = Counter(bucket_of(f"user-{number}") for number in range(128 * 200))
    assert set(counts) == set(range(BUCKETS))
    assert max(counts.values()) < 260
    assert min(counts.values()) > 140


def test_a_bucket_is_the_same_in_every_process_and_says_nothing_about_the_assignment() -> None:
    assert [bucket_of(key) for key in ("ada", "bob", "")] == [29, 79, 102]
    ones = [position("salt", key) < 0.5 for key in map(str, range(20_000)) if bucket_of(key) < 64]
    assert abs(sum(ones) / len(ones) - 0.5) < 0.02
