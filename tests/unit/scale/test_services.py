"""ECS adds tasks as fast as alarms, quotas and starts allow."""

from dataclasses import replace

import numpy as np
import pytest

from slipway.scale.buckets import Bucket, admitted
from slipway.scale.limits import load_limits
from slipway.scale.services import most_tasks, simulate, tasks_needed
from slipway.scale.traffic import day, step
from slipway.scale.workload import Tasks

TASKS = Tasks(least=2, most=4000, rps=100.0, most_rps=150.0, cpu=1.0, start_seconds=60.0)
LIMITS = load_limits().raised({"fargate_vcpus": 10_000, "balancer_targets": 10_000})


def test_tasks_come_after_three_minutes_of_alarms_and_a_start() -> None:
    traffic = step(20_000)
    service = simulate(traffic, TASKS, LIMITS)
    before = traffic.times < 180 + 60
    assert service.ready[before & (traffic.times >= 0)].max() == pytest.approx(2)
    assert service.ready[traffic.times > 180 + 60 + 60].min() >= 200 * 0.95


def test_a_service_launches_at_most_five_hundred_tasks_a_minute() -> None:
    traffic = step(300_000, seconds=1200)
    ready = simulate(traffic, TASKS, LIMITS).ready
    minute = round(60 / traffic.dt)
    assert max(ready[minute:] - ready[:-minute]) == pytest.approx(500, rel=0.01)
    assert tasks_needed(300_000, TASKS) == 3000


def test_quotas_and_slipway_yaml_bound_the_tasks() -> None:
    assert most_tasks(TASKS, load_limits()) == 6
    assert most_tasks(replace(TASKS, most=3), load_limits()) == 3
    assert most_tasks(TASKS, load_limits().raised({"fargate_vcpus": 10_000})) == 1000
    service = simulate(step(20_000), TASKS, load_limits())
    assert (service.ready[-1], service.served[-1]) == (6, 6 * 150)
    assert service.refused[-1] == pytest.approx(20_000 - 900)


def test_a_day_loses_nothing_and_its_night_has_fewer_tasks() -> None:
    traffic = day(10_000)
    service = simulate(traffic, TASKS, LIMITS)
    since = traffic.times >= 0
    assert service.refused[since].sum() == 0
    assert service.ready[since].max() == pytest.approx(100, abs=3)
    assert service.ready[-1] < 30


def test_a_bucket_lets_its_burst_through_and_then_its_rate() -> None:
    taken = admitted(np.full(100, 1000.0), 0.1, per_second=100, burst=500)
    assert taken[:5].sum() * 0.1 == pytest.approx(500)
    assert taken[-1] == pytest.approx(100)
    bucket = Bucket.full(10, 20)
    assert bucket.take(100, 1) == 30
    assert bucket.take(5, 1) == 5
    assert bucket.tokens == pytest.approx(5)
