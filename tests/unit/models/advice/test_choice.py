"""The traffic at which the advice changes, and its plot."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from support.advised import PROFILE, TABLE, WORK

from slipway.errors import InputError
from slipway.models.advice.choice import Advisor
from slipway.models.advice.plot import plot_costs
from slipway.models.advice.prices import PriceTable, RegionPrices, Tier
from slipway.models.advice.terms import Given


def test_a_target_below_the_models_own_time_is_met_by_nothing() -> None:
    advisor = Advisor(PROFILE, TABLE, "us-east-1", Given(), p99_ms=5)
    advice = advisor.advise(replace(WORK, p99_ms=5), low=0.001, high=1000)
    assert advice.taken is None
    assert [stretch.option for stretch in advice.stretches] == [None]
    assert not any(offer.meets for offer in advice.offers)


def _plain_table(lambda_price: float) -> PriceTable:
    """Prices of zero except for Lambda requests, Fargate vCPUs ($0.10 an hour) and the load balancer ($0.01)."""
    nothing = (Tier(price=0),)
    prices = RegionPrices(
        lambda_million_requests=lambda_price,
        lambda_gb_second=0,
        http_api_million_requests=nothing,
        fargate_vcpu_hour=0.1,
        fargate_gb_hour=0,
        load_balancer_hour=0.01,
        lcu_hour=0,
        endpoint_hour=0,
        endpoint_gb=0,
        nat_gateway_hour=0,
        nat_gateway_gb=0,
        public_address_hour=0,
        logs_gb=0,
        data_out_gb=nothing,
        volume_gb_month=0,
    )
    return PriceTable(as_of=date(2026, 1, 1), sources={}, gpu_instances={}, regions={"here": prices})


def _plain_advisor(lambda_price: float) -> Advisor:
    # 10 ms on a quarter of a processor is 40 ms; 70 % of 25 a second is 17.5 for $18.25 a month.
    profile = replace(PROFILE, mean_ms=10, p99_ms=10, cv2=0, memory_mb=100)
    return Advisor(profile, _plain_table(lambda_price), "here", replace(Given(), server_ms=0), p99_ms=5000)


def test_one_change_of_the_answer_is_found_exactly() -> None:
    advice = _plain_advisor(1.0).advise(replace(WORK, p99_ms=5000), low=0.01, high=1000)
    # Two tasks and the load balancer cost 36.5 + 7.3 = $43.80; Lambda costs $2.628 for each request a second.
    assert [(stretch.option, stretch.high) for stretch in advice.stretches] == [
        ("light", pytest.approx(43.8 / 2.628)),
        ("fargate", 1000),
    ]


def test_steps_let_the_answer_change_back_and_forth() -> None:
    advice = _plain_advisor(0.5).advise(replace(WORK, p99_ms=5000), low=0.01, high=1000)
    # Lambda costs $1.314 for each; n tasks cost 18.25 n + 7.3 and carry 17.5 n.
    bills = {count: (18.25 * count + 7.3) / 1.314 for count in range(2, 7)}
    expected = [edge for count, equal in bills.items() for edge in (equal, 17.5 * count)][:-1]
    assert [stretch.high for stretch in advice.stretches] == [*(pytest.approx(edge) for edge in expected), 1000]
    assert [stretch.option for stretch in advice.stretches] == ["light", "fargate"] * 5


def test_the_bill_agrees_with_itself_on_both_sides_of_every_change() -> None:
    advisor = Advisor(PROFILE, TABLE, "us-east-1", Given(), p99_ms=100)
    advice = advisor.advise(WORK, low=0.001, high=1000)
    for before, after in zip(advice.stretches, advice.stretches[1:], strict=False):
        assert before.high == after.low
        for stretch in (before, after):
            middle = replace(WORK, rps=(stretch.low + stretch.high) / 2)
            meeting = [offer for offer in advisor.offers(middle) if offer.meets]
            assert min(meeting, key=lambda offer: offer.monthly).option == stretch.option


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_plot_is_a_picture(tmp_path: Path, ending: str) -> None:
    advisor = Advisor(PROFILE, TABLE, "us-east-1", Given(), p99_ms=100)
    path = tmp_path / f"cost.{ending}"
    plot_costs(advisor, advisor.advise(WORK, low=0.001, high=1000), path, title="a model")
    assert path.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


def test_a_plot_of_unknown_format_or_place_is_refused(tmp_path: Path) -> None:
    advisor = Advisor(PROFILE, TABLE, "us-east-1", Given(), p99_ms=100)
    advice = advisor.advise(WORK, low=10, high=100)
    with pytest.raises(InputError, match=r"must end in one of \.pdf, \.png, \.svg"):
        plot_costs(advisor, advice, tmp_path / "cost.txt", title="")
    with pytest.raises(InputError, match="No such file"):
        plot_costs(advisor, advice, tmp_path / "nowhere" / "cost.png", title="")
