"""Intervals cover as often as they say, also for a reader who looks after every value."""

import math

import numpy as np
import pytest
from scipy.special import betaln
from scipy.stats import norm, t

from slipway.statistics.intervals import (
    bernstein_interval,
    betting_interval,
    clustered_interval,
    sequential_quantile,
    share_interval,
    student_quantile,
    wilson_interval,
)

ALPHA = 0.05
RUNS = 300


def test_wilson_is_the_textbooks() -> None:
    # A. Agresti and B. A. Coull (1998): 0 of 20 and 9 of 10.
    found = wilson_interval(9, 10, 0.05)
    assert (found.low, found.high) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert wilson_interval(0, 20, 0.05).low == 0.0
    assert (wilson_interval(0, 0, 0.05).low, wilson_interval(0, 0, 0.05).high) == (0.0, 1.0)


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (3, 10), (950, 1000), (1000, 1000)])
def test_a_share_has_the_ends_at_which_the_mixture_has_won_enough(right: int, n: int) -> None:
    def won(m: float) -> float:
        likelihood = right * math.log(m) + (n - right) * math.log1p(-m)
        return float(betaln(right + 0.5, n - right + 0.5) - betaln(0.5, 0.5)) - likelihood

    found = share_interval(right, n, ALPHA)
    for end in (found.low, found.high):
        if 0 < end < 1:
            assert won(end) == pytest.approx(math.log(1 / ALPHA), abs=1e-6)
    assert found.low <= right / n <= found.high
    assert found.low == 0.0 or right > 0
    assert found.high == 1.0 or right < n


@pytest.mark.parametrize("mean", [0.03, 0.5, 0.9])
def test_looks_after_each_outcome_miss_the_share_in_at_most_alpha_of_runs(mean: float) -> None:
    rng = np.random.default_rng(1)
    misses = fixed_misses = 0
    for _ in range(RUNS):
        right = np.cumsum(rng.random(400) < mean)
        looks = [(int(right[n - 1]), n) for n in range(1, 401, 3)]
        misses += any(not inside(share_interval(*look, ALPHA), mean) for look in looks)
        fixed_misses += any(not inside(wilson_interval(*look, ALPHA), mean) for look in looks)
    assert misses <= RUNS * ALPHA
    assert fixed_misses > 2 * RUNS * ALPHA  # what looking again and again does to an interval for one look


@pytest.mark.parametrize("make", [betting_interval, bernstein_interval])
def test_means_of_bounded_values_are_covered_at_every_look(make) -> None:
    rng = np.random.default_rng(2)
    misses = 0
    for _ in range(60):
        values = rng.beta(2, 5, 300) * 4 - 1
        looks = (make(values[:n], ALPHA, low=-1.0, high=3.0) for n in range(1, 301, 23))
        misses += any(not inside(look, 4 * 2 / 7 - 1) for look in looks)
    assert misses <= 60 * ALPHA


def test_betting_is_narrower_than_bernstein_and_both_narrow() -> None:
    values = np.random.default_rng(3).beta(20, 5, 2000)
    widths = [make(values, ALPHA).half_width for make in (betting_interval, bernstein_interval)]
    assert widths[0] < widths[1] < bernstein_interval(values[:200], ALPHA).half_width
    assert inside(betting_interval(values, ALPHA), 0.8)


def test_the_best_of_several_looks_is_what_betting_gives() -> None:
    """Values that drift would refute every mean; the interval is then a point and not an error."""
    found = betting_interval(np.concatenate([np.zeros(2000), np.ones(2000)]), ALPHA)
    assert 0 <= found.low <= found.high <= 1


@pytest.mark.parametrize("any_time", [False, True])
def test_hours_whose_records_depend_on_each_other_are_covered(any_time: bool) -> None:
    rng = np.random.default_rng(4)
    missed = missed_alone = 0
    for _ in range(RUNS):
        rates = np.clip(0.8 + 0.1 * rng.standard_normal(40), 0, 1)
        counts = rng.integers(20, 200, 40).astype(float)
        totals = rng.binomial(counts.astype(int), rates).astype(float)
        looks = range(10, 41) if any_time else [40]
        found = [clustered_interval(totals[:n], counts[:n], ALPHA, any_time=any_time) for n in looks]
        missed += any(not inside(each, 0.8) for each in found)
        missed_alone += not inside(wilson_interval(totals.sum(), counts.sum(), ALPHA), 0.8)
    assert missed <= RUNS * ALPHA * 1.5
    assert missed_alone > RUNS * 0.3  # one by one, they are far too narrow


def test_too_few_hours_have_no_interval() -> None:
    one = clustered_interval(np.array([8.0]), np.array([10.0]), ALPHA, any_time=True)
    assert (one.value, one.low, one.high) == (0.8, -math.inf, math.inf)
    assert math.isnan(clustered_interval(np.array([0.0]), np.array([0.0]), ALPHA, any_time=True).value)


def test_quantiles() -> None:
    for degrees in (4, 10, 60):
        assert student_quantile(norm.ppf(0.975), degrees) == pytest.approx(t.ppf(0.975, degrees), rel=0.01)
    # At its best, looking at any time costs less than half as much again as looking once.
    assert 1.0 < sequential_quantile(50, ALPHA) / norm.ppf(0.975) < 1.6


def inside(interval, value: float) -> bool:
    return interval.low <= value <= interval.high
