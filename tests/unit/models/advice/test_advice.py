"""Expectations are computed by hand beside each: 50 requests per second are 131.4 million per month of 730 hours."""

import math
from dataclasses import replace

import pytest
from support.advised import GIVEN, PROFILE, TABLE, US, WORK

from slipway.models.advice.bill import tiered
from slipway.models.advice.choice import Advisor
from slipway.models.advice.heavy import fargate_units, gpu_units
from slipway.models.advice.light import cold_rate, light_offer
from slipway.models.advice.prices import Tier
from slipway.models.advice.terms import Given, Line, Offer, Profile, Workload


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
        "VPC interface endpoints": pytest.approx(4 * 2 * 730 * 0.01),
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


def test_the_gpu_bill_and_its_estimate() -> None:
    offer = _offers()["gpu"]
    assert offer.size == "2 × g4dn.xlarge (NVIDIA T4)"
    amounts = _amounts(offer)
    assert amounts["EC2 g4dn.xlarge"] == pytest.approx(2 * 730 * 0.526)
    assert amounts["ECS Managed Instances (7.8%)"] == pytest.approx(2 * 730 * 0.526 * 0.078)
    assert amounts["EBS volume, gp3"] == pytest.approx(2 * 80 * 0.08)
    assert amounts["NAT gateways"] == pytest.approx(730 * 0.045)
    assert amounts["Public addresses"] == pytest.approx(730 * 0.005)
    assert amounts["NAT gateway data"] == pytest.approx(131.4 * 0.045)
    assert not [item for item in amounts if "endpoint" in item]
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


def test_dynamic_int8_gets_no_gpu_unless_one_was_measured() -> None:
    profile = replace(PROFILE, on_processors=True)
    [problem] = _offers(profile=profile)["gpu"].problems
    assert problem.startswith("dynamic int8 is slower on a GPU than without")
    assert problem.endswith("advise on its version in float32")
    assert not _offers(profile=replace(profile, gpu_per_second=900))["gpu"].problems


def test_the_other_slot_is_told_beside_the_bill() -> None:
    # 50/s at 18 ms on a quarter of a processor are 38.89/s for each task: two, at 5.9086 + 1.2994 = $7.21 each.
    offer = _offers(work=replace(WORK, p99_ms=10_000))["fargate"]
    assert (
        "The other slot also runs from the first deploy to the end of the first release, at 2 × $7.21 = $14.42"
        in (offer.notes[-1])
    )


def test_tiers_stop_at_the_quantity() -> None:
    tiers = [Tier(up_to=10, price=3), Tier(up_to=20, price=2), Tier(price=1)]
    assert [line.amount for line in tiered("x", "", 25, "GB", tiers)] == [30, 20, 5]
    assert [line.amount for line in tiered("x", "", 10, "GB", tiers)] == [30]
    assert [line.amount for line in tiered("x", "", 0, "GB", tiers)] == [0]


def test_a_line_is_quantity_times_price() -> None:
    assert Line("x", "", 3, "h", 0.5).amount == 1.5
