"""The fluid of Lambda's ramp agrees with requests that are simulated one by one."""

from dataclasses import replace

import numpy as np
import pytest
from support.lambda_referee import referee

from slipway.scale.environments import Lambda, simulate
from slipway.scale.limits import load_limits
from slipway.scale.traffic import Traffic, step

SMALL = Lambda(
    seconds=0.2, cold_seconds=1.0, ramp=20, ramp_per_second=2.0, most=1000, per_environment=10, idle_seconds=600
)
SECONDS = 60


def constant(rps: float, seconds: int = SECONDS) -> Traffic:
    return Traffic("step", 0.1, np.full(seconds * 10, rps))


def by_second(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, 10).mean(axis=1)


@pytest.mark.parametrize("function", [SMALL, replace(SMALL, most=60), replace(SMALL, seconds=0.02)])
def test_the_ramp_agrees_with_the_referee_within_five_percent(function: Lambda) -> None:
    rps = 400.0 if function.seconds > 0.1 else 800.0
    fleet = simulate(constant(rps), function)
    runs = [referee(rps, SECONDS, function, seed=seed) for seed in range(3)]
    environments = np.mean([each.environments[:SECONDS] for each in runs], axis=0)
    served = np.mean([each.per_second(each.served, SECONDS) for each in runs], axis=0)
    throttled = np.mean([len(each.throttled) for each in runs])
    ramp = slice(2, SECONDS)
    assert fleet.environments[9::10][ramp] == pytest.approx(environments[ramp], rel=0.05)
    assert by_second(fleet.served)[10:].mean() == pytest.approx(served[10:].mean(), rel=0.05)
    assert fleet.served.sum() * 0.1 == pytest.approx(served.sum(), rel=0.05)
    assert fleet.throttled.sum() * 0.1 == pytest.approx(throttled, rel=0.05)


def test_a_request_is_served_or_throttled() -> None:
    traffic = step(5000)
    fleet = simulate(traffic, Lambda.of(load_limits(), seconds=0.05))
    assert fleet.served + fleet.throttled == pytest.approx(traffic.rate)
    assert (fleet.cold <= fleet.served + 1e-9).all()


def test_an_environment_answers_at_most_ten_requests_a_second_however_short_they_are() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html"""
    fleet = simulate(step(20_000), Lambda.of(load_limits(), seconds=0.001))
    assert fleet.served[-1] == pytest.approx(10_000, rel=0.01)
    assert fleet.environments.max() == pytest.approx(1000, rel=0.01)


def test_a_step_is_answered_in_full_only_as_fast_as_environments_come() -> None:
    traffic = step(50_000)
    limits = load_limits().raised({"lambda_concurrency": 10_000})
    short = simulate(traffic, Lambda.of(limits, seconds=0.01)).served < 0.99 * traffic.rate
    assert 20 < traffic.times[np.flatnonzero(short)[-1]] < 60
    assert simulate(traffic, Lambda.of(load_limits(), seconds=0.01)).served[-1] < 0.99 * traffic.rate[-1]


def test_unused_environments_go() -> None:
    rate = np.concatenate([np.full(600, 500.0), np.full(36_000, 5.0)])
    fleet = simulate(Traffic("step", 0.1, rate), replace(SMALL, ramp=200))
    assert fleet.environments.max() > 100
    assert fleet.environments[-1] < 10
