"""Each expectation is worked out by hand beside it: 50 requests a second are 131.4 million a month of 730 hours."""

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from slipway.errors import ConfigError, InputError, NotFoundError
from slipway.models.advice.bill import tiered
from slipway.models.advice.choice import Advisor
from slipway.models.advice.heavy import fargate_units, gpu_units
from slipway.models.advice.light import cold_rate, light_offer
from slipway.models.advice.plot import plot_costs
from slipway.models.advice.prices import PriceTable, RegionPrices, Tier, load_prices
from slipway.models.advice.terms import Given, Line, Offer, Profile, Workload

TABLE = load_prices()
US = TABLE.of("us-east-1")
GIVEN = Given()
WORK = Workload(rps=50, p99_ms=100, request_bytes=1000, response_bytes=500, log_bytes=1000)
PROFILE = Profile(
    mean_ms=4.0,
    median_ms=3.9,
    p99_ms=8.0,
    cv2=0.25,
    edge_ms=0.1,
    batch=32,
    batch_per_second=250,
    memory_mb=200,
    size_bytes=24_000_000,
    multiply_adds=100e6,
)


def _amounts(offer: Offer) -> dict[str, float]:
    return {line.item: line.amount for line in offer.lines}


def _offers(work: Workload = WORK, profile: Profile = PROFILE, given: Given = GIVEN) -> dict[str, Offer]:
    advisor = Advisor(profile, TABLE, "us-east-1", given, p99_ms=work.p99_ms)
    return {offer.option: offer for offer in advisor.offers(work)}


def test_the_light_bill_line_by_line() -> None:
    offer = light_offer(WORK, PROFILE, US, Given())
    assert _amounts(offer) == {
        "Lambda requests": pytest.approx(131.4 * 0.20),
        # 4 ms and 1 ms around it on one whole processor, of 1769/1024 GB.
        "Lambda duration": pytest.approx(131.4e6 * 0.005 * 1.7275390625 * 0.0000133334),
        "HTTP API requests": pytest.approx(131.4),
        "CloudWatch Logs ingestion": pytest.approx(131.4e6 * 1430 / 1e9 * 0.50),
        "Data transfer out": pytest.approx(131.4e6 * 500 / 1e9 * 0.09),
    }
    assert offer.monthly == pytest.approx(272.6773, abs=1e-3)
    assert offer.p99_ms == pytest.approx(8 + 1 + 10)
    assert offer.meets


def test_half_the_memory_is_half_a_processor_and_milliseconds_are_billed_whole() -> None:
    given = replace(Given(), lambda_memory_mb=885, slowdown=1.2)
    offer = light_offer(WORK, PROFILE, US, given)
    share = 885 / 1769
    billed = math.ceil((4 * 1.2 + 1) / share)
    assert billed == 12
    assert _amounts(offer)["Lambda duration"] == pytest.approx(131.4e6 * 0.012 * 885 / 1024 * 0.0000133334)
    assert offer.p99_ms == pytest.approx((8 * 1.2 + 1) / share + 10)


def test_more_memory_than_one_processor_does_not_speed_up_one_thread() -> None:
    assert light_offer(WORK, PROFILE, US, replace(Given(), lambda_memory_mb=3538)).p99_ms == pytest.approx(19)


def test_a_package_too_large_for_a_function_says_by_how_much() -> None:
    offer = light_offer(WORK, replace(PROFILE, memory_mb=2000, size_bytes=400_000_000), US, Given())
    assert offer.problems == (
        "needs 2,060 MB of memory, the function has 1,769 MB",
        "the package has 400 MB; a function's bundle has room for 158 MB",
    )
    assert not offer.meets


def test_rare_requests_meet_cold_starts() -> None:
    # exp(-rate × 300 s) = 1 % at 0.01535 a second.
    assert cold_rate(Given()) == pytest.approx(0.015351, abs=1e-6)
    assert light_offer(replace(WORK, rps=0.015), PROFILE, US, Given()).p99_ms == 810
    assert light_offer(replace(WORK, rps=0.016), PROFILE, US, Given()).p99_ms == 19


def test_more_than_a_thousand_at_once_is_noted() -> None:
    # 250,000 a second for 5 ms are 1,250 at once.
    (note,) = light_offer(replace(WORK, rps=250_000), PROFILE, US, Given()).notes
    assert "1,250 at once" in note


def test_large_requests_are_metered_in_chunks_and_tiers() -> None:
    work = replace(WORK, rps=100, request_bytes=600_000)
    lines = [line for line in light_offer(work, PROFILE, US, Given()).lines if line.item == "HTTP API requests"]
    # 262.8 million requests of two chunks each: 300 million at $1.00, the rest at $0.90.
    assert [(line.quantity, line.price) for line in lines] == [
        (pytest.approx(300), 1.00),
        (pytest.approx(225.6), 0.90),
    ]


def test_tiers_stop_at_the_quantity() -> None:
    tiers = [Tier(up_to=10, price=3), Tier(up_to=20, price=2), Tier(price=1)]
    assert [line.amount for line in tiered("x", "", 25, "GB", tiers)] == [30, 20, 5]
    assert [line.amount for line in tiered("x", "", 10, "GB", tiers)] == [30]
    assert [line.amount for line in tiered("x", "", 0, "GB", tiers)] == [0]


def test_the_fargate_bill_line_by_line() -> None:
    # At most 70 % busy, with a p99 that is far away: 18 ms a request on a quarter of a processor is 38.89 a second.
    offer = _offers(work=replace(WORK, p99_ms=10_000))["fargate"]
    assert offer.size == "2 × 0.25 vCPU, 0.5 GB, arm64"
    assert _amounts(offer) == {
        "Fargate processors": pytest.approx(2 * 0.25 * 730 * 0.03238),
        "Fargate memory": pytest.approx(2 * 0.5 * 730 * 0.00356),
        "Load balancer": pytest.approx(730 * 0.0225),
        # Bytes: 50 × 3600 × 1500 B are 0.27 GB an hour; connections: 50 / 100 / 25 are 0.02.
        "Load balancer capacity": pytest.approx(0.27 * 730 * 0.008),
        "VPC interface endpoints": pytest.approx(3 * 2 * 730 * 0.01),
        "VPC endpoint data": pytest.approx(131.4 * 0.01),
        "HTTP API requests": pytest.approx(131.4),
        "CloudWatch Logs ingestion": pytest.approx(131.4 * 0.50),
        "Data transfer out": pytest.approx(65.7 * 0.09),
    }


def test_load_balancer_capacity_is_by_connections_where_they_are_more() -> None:
    offer = _offers(given=replace(Given(), requests_per_connection=1))["fargate"]
    assert _amounts(offer)["Load balancer capacity"] == pytest.approx(50 / 25 * 730 * 0.008)


def test_fargate_tasks_follow_the_p99_target() -> None:
    given = replace(Given(), cv2=1.0, front_ms=0, balancer_ms=0, server_ms=0)
    units = {unit.size: unit for unit in fargate_units(PROFILE, US, given, p99_ms=20)}
    one = units["1 vCPU, 2 GB, arm64"]
    # M/M/1 of 4 ms: the wait is within 20 - 8 = 12 ms for 99 % where a exp(-(1 - a) 12 / 4) = 0.01.
    busy = one.rate * 0.004
    assert busy * math.exp(-(1 - busy) * 3) == pytest.approx(0.01)
    assert units["0.25 vCPU, 0.5 GB, arm64"].late  # 8 ms ÷ a quarter is over 20 ms alone
    offer = _offers(work=replace(WORK, p99_ms=20), given=given)["fargate"]
    assert offer.meets
    assert offer.p99_ms <= 20


def test_a_task_takes_the_least_memory_that_holds_its_processes() -> None:
    sizes = [unit.size for unit in fargate_units(replace(PROFILE, memory_mb=900), US, Given(), p99_ms=100)]
    assert sizes == [
        "0.25 vCPU, 2 GB, arm64",  # 120 + 900 MB
        "0.5 vCPU, 2 GB, arm64",
        "1 vCPU, 2 GB, arm64",
        "2 vCPU, 4 GB, arm64",
        "4 vCPU, 8 GB, arm64",
        "8 vCPU, 16 GB, arm64",
        "16 vCPU, 32 GB, arm64",
    ]


def test_a_target_below_the_models_own_time_is_met_by_nothing() -> None:
    advisor = Advisor(PROFILE, TABLE, "us-east-1", Given(), p99_ms=5)
    advice = advisor.advise(replace(WORK, p99_ms=5), low=0.001, high=1000)
    assert advice.taken is None
    assert [stretch.option for stretch in advice.stretches] == [None]
    assert not any(offer.meets for offer in advice.offers)


def test_the_gpu_bill_and_its_estimate() -> None:
    offer = _offers()["gpu"]
    assert offer.size == "2 × g4dn.xlarge (NVIDIA T4)"
    amounts = _amounts(offer)
    assert amounts["EC2 g4dn.xlarge"] == pytest.approx(2 * 730 * 0.526)
    assert amounts["ECS Managed Instances (7.8%)"] == pytest.approx(2 * 730 * 0.526 * 0.078)
    assert amounts["EBS volume, gp3"] == pytest.approx(2 * 80 * 0.08)
    assert amounts["VPC interface endpoints"] == pytest.approx(6 * 2 * 730 * 0.01)
    # 32 records of 2 × 100 million operations at 30 % of 8.1 TFLOPS take 2.634 ms, and 2 ms to launch.
    batch_ms = 2 + 32 * 2 * 100e6 / (8.1e12 * 0.3) * 1000
    assert batch_ms == pytest.approx(4.634, abs=1e-3)
    # Four processors carry 4 / 0.6 ms = 6,667 a second around it, less than the GPU's 6,906.
    assert offer.p99_ms == pytest.approx(10 + 2 + 5 + 2 * 32 / (4 / 0.0006) * 1000)
    assert "ESTIMATE" in offer.notes[0]
    assert "bound by the processors" in offer.notes[0]


@pytest.mark.parametrize(
    ("profile", "given", "source"),
    [
        (replace(PROFILE, gpu_per_second=900), Given(), "measured on the CUDA device"),
        (PROFILE, replace(Given(), gpu_per_second=900), "as given"),
    ],
)
def test_a_measured_or_given_throughput_replaces_the_estimate(profile: Profile, given: Given, source: str) -> None:
    unit = gpu_units(profile, TABLE, US, given, p99_ms=100)[0]
    assert unit.rate == pytest.approx(0.7 * 900)
    assert source in unit.rate_how
    assert "ESTIMATE" not in unit.rate_how


def test_a_graph_without_multiply_adds_needs_its_throughput_given() -> None:
    offer = _offers(profile=replace(PROFILE, multiply_adds=0))["gpu"]
    assert offer.problems == ("the graph has no multiply-adds to estimate from; give its records a second",)
    assert not offer.meets


def _plain_table(lambda_price: float) -> PriceTable:
    """Only Lambda's requests, Fargate's processors ($0.10 an hour) and the load balancer ($0.01 an hour) cost."""
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


def test_a_line_is_quantity_times_price() -> None:
    assert Line("x", "", 3, "h", 0.5).amount == 1.5


def test_an_unknown_region_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="no region in the price table 'mars-1'; there is us-east-1, us-west-2"):
        TABLE.of("mars-1")


def test_the_shipped_table_is_dated_and_names_its_sources() -> None:
    assert TABLE.as_of >= date(2026, 1, 1)
    assert all(source.startswith("https://aws.amazon.com/") for source in TABLE.sources.values())
    assert {"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1"} == set(TABLE.regions)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lcu_hour: 0.008", "lcu_hour: -1", r"regions.us-east-1.lcu_hour: must be at least 0"),
        ("up_to: 300, price: 1.00", "price: 1.00", "each tier but the last needs an `up_to`"),
        ("g4dn.xlarge: 0.526", "p9.huge: 0.526", "prices p9.huge, which `gpu_instances` lacks"),
        ("regions:", "regions: [", "not YAML"),
    ],
)
def test_a_wrong_price_table_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    shipped = Path("slipway/models/prices.yaml").read_text(encoding="utf-8")
    path = tmp_path / "prices.yaml"
    path.write_text(shipped.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_prices(path)


def test_a_missing_price_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_prices(tmp_path / "none.yaml")


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_plot_is_a_picture(tmp_path: Path, ending: str) -> None:
    advisor = Advisor(PROFILE, TABLE, "us-east-1", Given(), p99_ms=100)
    path = tmp_path / f"cost.{ending}"
    plot_costs(advisor, advisor.advise(WORK, low=0.001, high=1000), path, title="a model")
    assert path.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


def test_a_plot_of_unknown_format_or_place_is_refused(tmp_path: Path) -> None:
    advisor = Advisor(PROFILE, TABLE, "us-east-1", Given(), p99_ms=100)
    advice = advisor.advise(WORK, low=10, high=100)
    with pytest.raises(InputError, match=r"ends in none of \.pdf, \.png, \.svg"):
        plot_costs(advisor, advice, tmp_path / "cost.txt", title="")
    with pytest.raises(InputError, match="No such file"):
        plot_costs(advisor, advice, tmp_path / "nowhere" / "cost.png", title="")
