import numpy as np
import pytest

from slipway.config.releases.options import AbTest
from slipway.releases.evidence.tallies import Tally
from slipway.releases.statistics.sample_size import final_alpha, fixed_interval, running_interval, sample_size

PLAIN = AbTest(baseline=0.1, effect=0.02, sequential=False)


def test_the_sample_size_is_the_textbooks() -> None:
    """Two proportions of 0.10 and 0.12, 5 % two-sided, 80 % power: 3,841 each."""
    assert sample_size(PLAIN) == 3841


def test_more_candidates_smaller_effects_and_early_looks_need_more() -> None:
    assert sample_size(PLAIN, arms=4) > sample_size(PLAIN)
    assert sample_size(AbTest(baseline=0.1, effect=0.01, sequential=False)) > 3 * sample_size(PLAIN)
    assert sample_size(AbTest(baseline=0.1, effect=0.02)) > sample_size(PLAIN)


def test_the_power_is_what_was_asked_for() -> None:
    rng, size = np.random.default_rng(1), sample_size(PLAIN)
    ours, theirs = rng.binomial(size, 0.12, 4000), rng.binomial(size, 0.10, 4000)
    found = [
        fixed_interval(Tally(size, int(a)), Tally(size, int(b)), 0.05).low > 0
        for a, b in zip(ours, theirs, strict=True)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)


def test_the_running_interval_misses_no_more_often_than_it_says_over_all_looks() -> None:
    rng, runs, alpha = np.random.default_rng(2), 150, 0.05
    missed = 0
    for _ in range(runs):
        ours, theirs = np.cumsum(rng.binomial(100, [[0.12]] * 60, (60, 1))), np.cumsum(rng.binomial(100, 0.1, 60))
        intervals = (
            running_interval(Tally(100.0 * n, float(a)), Tally(100.0 * n, float(b)), alpha, planned=3841)
            for n, (a, b) in enumerate(zip(ours, theirs, strict=True), start=1)
        )
        missed += any(each is not None and not each.low <= 0.02 <= each.high for each in intervals)
    assert missed / runs <= alpha


def test_the_running_interval_is_wider_and_waits() -> None:
    few, many = Tally(100, 10), Tally(4000, 480)
    assert running_interval(few, few, 0.05, planned=4000) is None
    assert running_interval(Tally(500, 0), Tally(500, 0), 0.05, planned=4000) is None
    running, fixed = (
        running_interval(many, Tally(4000, 400), 0.05, planned=4000),
        fixed_interval(many, Tally(4000, 400), 0.05),
    )
    assert running is not None
    assert running.high - running.low > fixed.high - fixed.low
    assert fixed.sentence == "a difference of +0.0200, 95 % interval +0.0063 to +0.0337"


def test_the_error_probability_is_split() -> None:
    assert final_alpha(AbTest(), arms=3) == pytest.approx(0.02)
    assert final_alpha(PLAIN, arms=2) == pytest.approx(0.05)


def test_tallies_know_their_variance() -> None:
    assert Tally(100, 20).variance == pytest.approx(0.16)
    assert (Tally(2, 1.5, 1.25) + Tally(2, 1)).squares == pytest.approx(2.25)
    assert Tally(0, 0).variance == 0
