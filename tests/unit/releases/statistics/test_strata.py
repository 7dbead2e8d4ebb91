"""A bandit's means by periods, while shares move and rewards swing."""

import math

import numpy as np
import pytest

from slipway.releases.record.stored_strata import StoredStrata
from slipway.releases.statistics.bandit import regret, weigh
from slipway.releases.statistics.strata import Estimate, Strata

BOTH = np.array([True, True])


def after(strata: Strata, n: tuple[float, ...], total: tuple[float, ...], live: np.ndarray = BOTH) -> Strata:
    return strata.after(np.array(n, dtype=float), np.array(total, dtype=float), live)


def test_with_constant_shares_and_rewards_an_outcome_is_worth_one() -> None:
    strata = Strata.empty(2)
    for _ in range(50):
        strata = after(strata, (100, 900), (10, 180))
    stable, candidate = strata.estimates()
    assert (stable.outcomes, stable.rewards, stable.mean) == (5000, 500, pytest.approx(0.1))
    assert (stable.size, candidate.size) == (pytest.approx(5000), pytest.approx(45_000))
    assert candidate.mean == pytest.approx(0.2)


def test_an_arm_that_had_its_traffic_when_rewards_were_high_is_no_better() -> None:
    """Version 2 is the better one in both periods, and the worse one in the sum."""
    strata = after(Strata.empty(2), (900, 100), (900 * 0.20, 100 * 0.22))
    strata = after(strata, (100, 900), (100 * 0.05, 900 * 0.055))
    stable, candidate = strata.estimates()
    assert stable.rewards / stable.outcomes > candidate.rewards / candidate.outcomes
    assert (stable.mean, candidate.mean) == (pytest.approx(0.125), pytest.approx(0.1375))
    assert stable.size < stable.outcomes
    lost = regret({1: stable, 2: candidate})
    assert lost.best == 2
    assert lost.regret == pytest.approx(900 * 0.02 + 100 * 0.005)
    assert lost.equal == pytest.approx(500 * 0.02 + 500 * 0.005)


def test_periods_are_joined_until_each_arm_has_enough() -> None:
    strata = after(Strata.empty(2), (9, 200), (1, 20))
    assert [arm.outcomes for arm in strata.estimates()] == [0, 0]
    strata = after(strata, (1, 100), (1, 10))
    assert [arm.outcomes for arm in strata.estimates()] == [10, 300]
    assert strata.n.tolist() == [0, 0]


def test_an_arm_that_was_dropped_does_not_hold_up_the_others() -> None:
    strata = after(Strata.empty(3), (100, 100, 100), (10, 20, 5), np.array([True, True, True]))
    strata = after(strata, (100, 100, 3), (10, 20, 0), np.array([True, True, False]))
    assert [arm.outcomes for arm in strata.estimates()] == [200, 200, 103]
    assert [arm.mean for arm in strata.estimates()] == pytest.approx([0.1, 0.2, 0.05])


def test_nothing_is_known_without_outcomes_and_extremes_are_no_trouble() -> None:
    assert Strata.empty(2).estimates() == (Estimate(0, 0, 0, 0),) * 2
    nothing, everything = after(Strata.empty(2), (100, 100), (0, 100)).estimates()
    assert (nothing.mean, nothing.size, everything.mean, everything.size) == (0, 100, 1, 100)
    arms = weigh({1: nothing, 2: everything}, floor=0.05, least=100)
    assert arms[1].best == pytest.approx(1)


def test_the_posterior_is_as_wide_as_the_mean_is_uncertain() -> None:
    rng, runs = np.random.default_rng(1), 4000
    strata = Strata.empty(runs, 2)
    for period in range(48):
        share = np.array([0.1, 0.9]) if period % 2 else np.array([0.6, 0.4])
        n = rng.poisson(300 * share, (runs, 2))
        mean = 0.1 * (1 + 0.5 * math.sin(2 * math.pi * period / 48))
        strata = strata.after(n.astype(float), rng.binomial(n, mean).astype(float), np.ones((runs, 2), dtype=bool))
    found = [strata.run(number).estimates()[0] for number in range(runs)]
    claimed = np.mean([arm.mean * (1 - arm.mean) / arm.size for arm in found])
    seen = np.var([arm.mean for arm in found])
    assert np.mean([arm.mean for arm in found]) == pytest.approx(0.1, rel=0.01)
    assert claimed == pytest.approx(seen, rel=0.07)


def test_many_runs_are_counted_as_one_is() -> None:
    rng = np.random.default_rng(2)
    many, single = Strata.empty(3, 2), [Strata.empty(2) for _ in range(3)]
    for _ in range(20):
        n = rng.poisson(12, (3, 2)).astype(float)
        total = np.floor(n * 0.3)
        many = many.after(n, total, np.ones((3, 2), dtype=bool))
        single = [each.after(n[run], total[run], BOTH) for run, each in enumerate(single)]
    for run, each in enumerate(single):
        assert many.run(run).estimates() == each.estimates()


def test_what_is_stored_is_what_was_counted_and_does_not_grow() -> None:
    strata = Strata.empty(2)
    lengths = []
    for _ in range(1000):
        strata = after(strata, (30, 70), (3, 8))
        stored = StoredStrata.of(strata).model_dump_json()
        lengths.append(len(stored))
        strata = StoredStrata.model_validate_json(stored).unpacked()
    assert [arm.outcomes for arm in strata.estimates()] == [30_000, 70_000]
    assert max(lengths) < 600


@pytest.mark.parametrize("worse", [0.105, 0.11])
def test_rewards_that_swing_over_the_day_name_no_worse_arm(worse: float) -> None:
    """Rewards swing by half, traffic by 80 %; pooled means named the worse arm in one run of ten."""
    rng, runs, step = np.random.default_rng(11), 60, 30
    means, wrong = np.array([0.1, worse]), 0
    for _ in range(runs):
        strata, share, phase = Strata.empty(2), np.array([0.5, 0.5]), rng.uniform(0, 2 * math.pi)
        for minute in range(0, 3 * 1440, step):
            at = 2 * math.pi * minute / 1440
            n = rng.poisson(5 * 60 * step * (1 + 0.8 * math.sin(at)) * share)
            total = rng.binomial(n, means * (1 + 0.5 * math.sin(at + phase)))
            strata = strata.after(n.astype(float), total.astype(float), BOTH)
            arms = weigh(dict(enumerate(strata.estimates())), floor=0.05, least=100)
            share = np.array([arm.weight for arm in arms])
            if minute >= 1440 and max(arm.best for arm in arms) >= 0.99:
                break
        wrong += arms[0].best >= 0.99
    assert wrong <= 1
