"""The arrivals of the load: a Poisson process, the same in every run of a seed."""

from collections import Counter
from itertools import pairwise

import pytest

from benchmarks.load.schedule import arrivals

SHARES = {"often": 3.0, "rarely": 1.0}


def test_the_same_seed_gives_the_same_arrivals_and_another_gives_others() -> None:
    first, again, other = (list(arrivals(SHARES, rate=5, seconds=60, seed=seed)) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_a_longer_run_begins_as_a_shorter_one() -> None:
    short, long = (list(arrivals(SHARES, rate=5, seconds=seconds, seed=1)) for seconds in (60, 600))

    assert long[: len(short)] == short


def test_arrivals_are_a_poisson_process_of_the_rate() -> None:
    found = list(arrivals(SHARES, rate=20, seconds=2000, seed=1))
    gaps = [later.at - first.at for first, later in pairwise(found)]
    mean = sum(gaps) / len(gaps)

    assert len(found) == pytest.approx(40_000, rel=0.02)
    assert all(0 < each.at < 2000 for each in found)
    # The deviation of an exponential distribution is its mean.
    assert sum((gap - mean) ** 2 for gap in gaps) / len(gaps) == pytest.approx(mean**2, rel=0.05)


def test_kinds_come_by_their_shares_and_with_seeds_of_their_own() -> None:
    found = list(arrivals(SHARES, rate=20, seconds=2000, seed=1))
    counts = Counter(each.kind for each in found)

    assert counts["often"] / counts["rarely"] == pytest.approx(3, rel=0.05)
    assert len({each.seed for each in found}) == len(found)
