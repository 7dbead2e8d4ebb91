"""What is foretold is what the judge then does."""

import math

import numpy as np
import pytest

from slipway.config.releases.options import AbTest, Canary, JudgeConfig
from slipway.releases.simulation.runs import Run, Setting, simulate
from slipway.releases.simulation.scenarios import Scenario
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.pattern import Traffic
from slipway.releases.statistics.comparisons import Comparison, questions
from slipway.releases.statistics.detectable import Rates, least_effect, least_found, minutes_to_prove
from slipway.releases.statistics.judge import Outcome
from slipway.releases.statistics.sample_size import sample_size

ERRORS = Comparison("errors", "errors", 0.005, 0.001)
ALPHA = 0.0007
STABLE = Behaviour()
JUDGE = JudgeConfig.model_validate(
    {"deadline_minutes": 5000, "p50": {"enabled": False, "ratio": 1.25}, "p99": {"enabled": False, "ratio": 1.5}}
)


def runs(errors: float, rps: float, minutes: float, **options: float) -> list[Run]:
    scenario = Scenario("", (Behaviour(errors=errors),), traffic=Traffic(rps=rps))
    return simulate(scenario, Setting(Canary.model_validate(options), JUDGE, runs=100, hours=minutes / 60, seed=4))


def rates(rps: float, share: float = 0.05) -> Rates:
    return Rates(60 * rps * share, 60 * rps * (1 - share))


@pytest.mark.parametrize(("rps", "minutes"), [(20, 60), (100, 30)])
def test_the_least_candidate_that_is_found_is_rolled_back_as_often_as_foretold(rps: float, minutes: float) -> None:
    alpha = questions(JUDGE, tuple(STABLE.labels), parts=2).alpha
    least = least_found(ERRORS, alpha, rates(rps), minutes, stable=STABLE.errors)
    assert least is not None
    found = runs(least, rps, minutes + 1, bake_minutes=3000)  # a window is seen a minute late
    assert sum(run.outcome is Outcome.ROLLBACK for run in found) == pytest.approx(80, abs=15)


def test_the_proof_takes_as_long_as_foretold() -> None:
    foretold = minutes_to_prove(ERRORS, JUDGE.false_promotion, rates(20), stable=0.001, candidate=0.001)
    took = [run.minutes for run in runs(0.001, 20, 600, bake_minutes=1, warm_minutes=0)]
    assert foretold is not None
    assert np.quantile(took, 0.8) == pytest.approx(foretold, rel=0.35)


def test_more_traffic_and_more_time_find_less() -> None:
    by_time = [least_found(ERRORS, ALPHA, rates(10), minutes, stable=0.001) for minutes in (1, 10, 60, 1440)]
    by_rate = [least_found(ERRORS, ALPHA, rates(rps), 60, stable=0.001) for rps in (1, 10, 100, 1000)]
    for found in (by_time, by_rate):
        known = [each for each in found if each is not None]
        assert len(known) == 4
        assert known == sorted(known, reverse=True)
        assert known[-1] > 0.006


def test_within_a_minute_only_a_disaster_is_found() -> None:
    """Two bad minutes decide on errors, or one in which half of the requests fail."""
    assert least_found(ERRORS, ALPHA, rates(1000), 1, stable=0.001) == pytest.approx(0.5)
    two = least_found(ERRORS, ALPHA, rates(1000), 2, stable=0.001)
    assert two is not None
    assert two < 0.05


def test_too_little_traffic_finds_nothing_and_proves_nothing() -> None:
    assert least_found(ERRORS, ALPHA, Rates(0.05, 0.95), 1, stable=0.001) is None
    assert minutes_to_prove(ERRORS, 0.05, Rates(1e-4, 1e-3), stable=0.001, candidate=0.001) is None
    assert minutes_to_prove(ERRORS, 0.05, rates(100), stable=0.001, candidate=0.006) is None


def test_an_endless_past_is_the_best_reference() -> None:
    beside, past = Rates(60, 600), Rates(60, math.inf)
    found = [least_found(ERRORS, ALPHA, each, 60, stable=0.001) for each in (past, beside)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] < found[1] < 1.3 * found[0]
    fixed = Comparison("p50", "p50", 0.5, 0.5, ratio=0.0)
    found = [least_found(fixed, ALPHA, each, 60, stable=0.5) for each in (past, beside)]
    assert found[0] == found[1]


@pytest.mark.parametrize("arms", [2, 4])
def test_an_ab_test_of_its_planned_size_detects_its_effect(arms: int) -> None:
    options = AbTest(baseline=0.1, effect=0.02)
    effect = least_effect(options, sample_size(options, arms=arms), arms=arms)
    assert effect == pytest.approx(0.02, rel=0.001)
    assert least_effect(options, 2, arms=arms) is None
