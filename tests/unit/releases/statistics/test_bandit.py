import numpy as np
import pytest
from scipy.stats import beta

from slipway.releases.evidence.tallies import Tally
from slipway.releases.statistics.bandit import best_probabilities, regret, weigh
from slipway.releases.statistics.strata import Estimate


def arm(n: float, total: float) -> Estimate:
    """An arm of a single period in which all arms had equal shares."""
    return Estimate(n, total, total / n, n)


def test_the_probability_to_be_best_is_that_of_drawing_from_the_posteriors() -> None:
    tallies = [Tally(200, 20), Tally(150, 22), Tally(40, 3.5)]
    rng = np.random.default_rng(0)
    draws = [beta.rvs(1 + t.total, 1 + t.n - t.total, size=200_000, random_state=rng) for t in tallies]
    drawn = np.bincount(np.argmax(draws, axis=0), minlength=3) / 200_000
    assert best_probabilities(tallies) == pytest.approx(drawn, abs=0.005)


def test_extreme_counts_are_no_trouble() -> None:
    assert best_probabilities([Tally(0, 0), Tally(0, 0)]) == pytest.approx([0.5, 0.5])
    assert best_probabilities([Tally(1e6, 1e6), Tally(1e6, 0)]) == pytest.approx([1, 0])
    assert best_probabilities([Tally(1e7, 1e6), Tally(1e7, 1e6 + 9000)])[1] > 0.99999


def test_no_arm_is_below_the_floor_and_all_add_up() -> None:
    arms = weigh({1: arm(1000, 10), 2: arm(1000, 500), 3: arm(1000, 20)}, floor=0.05, least=100)
    assert [arm.weight for arm in arms] == pytest.approx([0.05, 0.90, 0.05], abs=1e-6)
    assert sum(arm.weight for arm in arms) == pytest.approx(1)


def test_weights_are_equal_until_every_arm_is_known() -> None:
    arms = weigh({1: arm(1000, 10), 2: arm(99, 90)}, floor=0.05, least=100)
    assert [arm.weight for arm in arms] == [0.5, 0.5]
    assert arms[1].best > 0.99


def test_regret_is_what_the_best_arm_would_have_brought() -> None:
    lost = regret({1: arm(1000, 100), 2: arm(9000, 1800)})
    assert (lost.best, lost.outcomes) == (2, 10_000)
    assert lost.regret == pytest.approx(0.1 * 1000)
    assert lost.equal == pytest.approx(0.1 * 10_000 / 2)
    assert "100.0 rewards over 10,000 outcomes" in lost.sentence
