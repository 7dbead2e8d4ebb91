"""Segments are compared with intervals that hold for all of them together, at every look."""

import math

import numpy as np
import pytest

from slipway.releases.evidence.tallies import Tally
from slipway.releases.routing.segments import GroupKey, Segment
from slipway.releases.statistics.groups import compare_groups, mean_bounds

SEGMENTS = (Segment("origin", ("EWR", "JFK")), Segment("weekend", ("true",)))


def results(candidate: Tally, stable: Tally, key: str = "errors", measured: tuple[str, ...] = ("errors", "p50")):
    groups = {GroupKey(1, 0, 1): {key: stable}, GroupKey(2, 0, 1): {key: candidate}}
    return compare_groups(SEGMENTS, groups, measured, stable=1, candidates=(2, 3))


def test_a_worse_segment_is_named_with_its_counts_and_what_it_is_corrected_for() -> None:
    found = results(Tally(1000, 50), Tally(19_000, 19))
    first, last = found.lines
    assert first.startswith(
        "version 2 is worse for origin=JFK: errors 5 % of 1,000 against 0.1 % of 19,000, a difference"
    )
    assert (found.groups, found.comparisons) == (5, 20)
    assert last == "intervals are corrected for 5 segments in 20 comparisons, and nothing is decided on them"


@pytest.mark.parametrize(
    ("key", "candidate", "said"),
    [
        ("errors", Tally(2000, 0), "version 2 is better for origin=JFK: errors 0 % of 2,000 against 10 % of 2,000"),
        ("score", Tally(2000, 900), "version 2 is higher for origin=JFK: mean score 45 %"),
        ("label:late", Tally(2000, 0), "version 2 is lower for origin=JFK: predictions of late 0 %"),
        ("value:2.5", Tally(2000, 900), "version 2 is higher for origin=JFK: values over 2.5 45 %"),
    ],
)
def test_only_failures_and_latencies_are_called_worse_or_better(key: str, candidate: Tally, said: str) -> None:
    assert results(candidate, Tally(2000, 200), key, (key,)).lines[0].startswith(said)


def test_what_is_not_told_apart_is_not_among_the_lines() -> None:
    found = results(Tally(100, 1), Tally(1900, 4))
    (difference,) = found.differences[:1]
    assert "is not told apart for origin=JFK" in difference.sentence
    assert found.lines == (
        "no segment differs; intervals are corrected for 5 segments in 20 comparisons, and nothing is decided on them",
    )


def test_without_outcomes_of_both_there_is_no_interval() -> None:
    (first, *_) = results(Tally(0, 0), Tally(1900, 4)).differences
    assert first.interval is None
    assert "nothing to compare" in first.sentence


def test_the_bounds_are_those_that_the_mixture_leaves() -> None:
    low, high = mean_bounds(Tally(100, 10), 0.01)
    assert 0 < low < 0.1 < high < 1
    for mean in (low, high):
        spread = math.lgamma(10.5) + math.lgamma(90.5) - math.lgamma(101) - math.log(math.pi)
        assert spread - 10 * math.log(mean) - 90 * math.log1p(-mean) == pytest.approx(math.log(100), abs=1e-6)
    assert mean_bounds(Tally(100, 0), 0.01)[0] == 0
    assert mean_bounds(Tally(100, 100), 0.01)[1] == 1


@pytest.mark.parametrize("share", [0.002, 0.3])
def test_equal_versions_are_seldom_told_apart_however_often_one_looks(share: float) -> None:
    """At 20 % the bound is loose enough for a few hundred runs to show a test that does not allow for looking."""
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(200):
        outcomes = rng.random(2000) < share
        sums = np.cumsum(outcomes)
        bounds = (mean_bounds(Tally(float(n), float(sums[n - 1])), 0.2) for n in range(1, 2001, 13))
        wrong += any(not low <= share <= high for low, high in bounds)
    assert wrong / 200 <= 0.2
