"""The plan at ten, a thousand and a hundred thousand requests a second."""

from dataclasses import replace

import pytest

from slipway.errors import NotFoundError
from slipway.scale.limits import load_limits
from slipway.scale.plan import Plan, make_plan, rounded_up, total_of
from slipway.scale.workload import Tasks, Workload

LIMITS = load_limits()


@pytest.fixture(scope="module")
def large() -> Plan:
    return make_plan(Workload(rps=100_000), LIMITS)


def components(plan: Plan, shape: str = "step") -> list[str]:
    return [each.component for each in plan.scenarios[shape].exceeded]  # type: ignore[index]


def advice(plan: Plan, component: str) -> str:
    return " ".join(each.text for each in plan.changes if each.component == component)


def test_ten_requests_a_second_break_nothing() -> None:
    plan = make_plan(Workload(rps=10), LIMITS)
    assert (plan.first, plan.asks, plan.changes) == (None, (), ())
    assert all(each.now.lost == each.then.lost == 0 for each in plan.scenarios.values())
    assert 20 < total_of(plan.lines) < 60


def test_a_thousand_at_once_meet_cold_starts_and_a_day_meets_nothing() -> None:
    plan = make_plan(Workload(rps=1000), LIMITS)
    assert components(plan, "day") == []
    assert plan.scenarios["step"].now.lost < 0.01
    assert plan.asks == ()


def test_a_hundred_thousand_break_concurrency_and_the_api_first(large: Plan) -> None:
    assert large.first is not None
    assert large.first.component == "Lambda"
    assert large.first.needed / large.first.allowed == pytest.approx(10.3)
    assert components(large)[:2] == ["Lambda", "HTTP API"]
    assert large.scenarios["step"].now.lost == pytest.approx(0.9, abs=0.02)
    assert large.scenarios["day"].now.until is None


def test_with_the_quotas_asked_for_a_day_loses_nothing_and_a_step_only_what_the_ramp_takes(large: Plan) -> None:
    assert {each.limit: each.ask for each in large.asks} == {
        "api_requests_per_second": 120_000,
        "lambda_concurrency": 13_000,
        "table_reads": 60_000,
    }
    assert all(each.quota for each in large.asks)
    assert large.scenarios["day"].then.lost == 0
    step = large.scenarios["step"].then
    assert step.until is not None
    # 100 environments a second, each for ten requests a second, up to 10,000 of them
    assert step.until == pytest.approx(82, abs=10)
    assert step.lost == pytest.approx((100_000 - 20_000) * 80 / 2 / (100_000 * 900), rel=0.2)


def test_what_no_quota_mends_is_to_be_changed(large: Plan) -> None:
    assert "Provision 10,300 environments" in advice(large, "Lambda")
    assert "10 accounts or regions" in advice(large, "HTTP API")
    assert "load balancer in front" in advice(large, "HTTP API")
    assert "`capture.sample: 0.078`" in advice(large, "monitor")
    assert "50,000 read units/s" in advice(large, "features table")
    assert 2_000 < large.in_front < 5_000
    assert total_of(large.lines) > 200_000


def test_half_as_many_captures_as_advised_are_read_in_time() -> None:
    plan = make_plan(Workload(rps=100_000, captured=0.078), LIMITS)
    assert "monitor" not in components(plan)


def test_a_hot_entity_is_found_and_copies_are_advised() -> None:
    plan = make_plan(Workload(rps=50_000, hot=0.2), LIMITS)
    assert "busiest entity" in components(plan)
    assert "DAX" in advice(plan, "busiest entity")
    found = next(each for each in plan.scenarios["day"].exceeded if each.component == "busiest entity")
    assert (found.needed, found.allowed) == (pytest.approx(5000), 3000)
    assert found.at is not None
    assert 0 < found.at < 43_200


def test_the_release_record_is_read_by_every_process_every_five_seconds() -> None:
    plan = make_plan(Workload(rps=400_000), LIMITS)
    found = next(each for each in plan.scenarios["step"].exceeded if each.component == "release record")
    assert found.needed == pytest.approx(40_600 / 5 * 0.5, rel=0.01)
    assert "keep the release for 7 s" in advice(plan, "release record")


def test_a_heavy_model_needs_tasks_before_a_step_and_a_greater_limit_of_its_own() -> None:
    plan = make_plan(Workload(rps=100_000, tier="heavy"), LIMITS)
    assert {each.limit for each in plan.asks} >= {"fargate_vcpus", "api_requests_per_second"}
    assert "`heavy.min_tasks: 301`" in advice(plan, "ECS")
    assert "`heavy.max_tasks: 362`" in advice(plan, "ECS")
    assert "reserve 900 capacity units" in advice(plan, "load balancer")
    assert plan.scenarios["day"].then.lost < 1e-3
    step = plan.scenarios["step"].then
    assert step.until is not None
    assert 180 + 120 - 60 <= step.until <= 180 + 120 + 60
    ready = make_plan(Workload(rps=100_000, tier="heavy", tasks=Tasks(least=301, most=400)), LIMITS)
    assert ready.scenarios["step"].then.lost == 0


def test_many_models_do_not_fit_a_bundle_or_a_pass_of_the_controller() -> None:
    plan = make_plan(Workload(rps=100, models=150), LIMITS)
    assert {"bundle", "controller"} <= set(components(plan))
    assert "over 3 projects" in advice(plan, "bundle")


def test_large_and_slow_requests_are_refused() -> None:
    plan = make_plan(Workload(rps=10, payload=7_000_000, seconds=40), LIMITS)
    found = {each.limit for each in plan.scenarios["step"].exceeded}
    assert {"lambda_payload_bytes", "api_seconds"} <= found


def test_nothing_that_is_not_used_is_checked_or_billed() -> None:
    plan = make_plan(Workload(rps=100_000, groups=0, captured=0), LIMITS)
    assert not {"features table", "busiest entity", "monitor", "captures"} & set(components(plan))
    assert not any("Features" in each.item or "apture" in each.item for each in plan.lines)


def test_requests_cost_what_their_price_says() -> None:
    plan = make_plan(Workload(rps=1000), LIMITS)
    requests = plan.mean_rps * 730 * 3600
    assert plan.mean_rps == pytest.approx(550, rel=0.01)
    api = sum(float(each.amount) for each in plan.lines if each.item == "HTTP API requests")
    assert api == pytest.approx(300 + (requests / 1e6 - 300) * 0.9, rel=1e-3)
    twice = make_plan(replace(plan.work, payload=600_000), LIMITS)
    assert sum(float(each.quantity) for each in twice.lines if each.item == "HTTP API requests") == pytest.approx(
        2 * requests / 1e6, rel=1e-3
    )


def test_a_region_without_prices_is_refused() -> None:
    with pytest.raises(NotFoundError):
        make_plan(Workload(rps=10), LIMITS, region="mars-north-1")


@pytest.mark.parametrize(("value", "rounded"), [(10_300 * 1.2, 13_000), (7.2, 8), (120_000, 120_000), (60.0, 60)])
def test_quotas_are_asked_for_in_round_figures(value: float, rounded: float) -> None:
    assert rounded_up(value) == rounded
