"""The six ways side by side: their figures can be checked by hand."""

from dataclasses import replace

import pytest
from support.advised import GIVEN, PROFILE, TABLE, US, WORK

from slipway.models.advice.choice import Advisor
from slipway.models.advice.terms import SECONDS_A_MONTH
from slipway.models.advice.ways import WAY_NAMES, Audience, Browser, Way, compare_ways

BROWSER = Browser(median_ms=5.0, load_ms=900.0, memory_mb=300.0, size_bytes=20_000_000)
AUDIENCE = Audience(requests_per_visitor=1000, devices=50)


def _ways(browser: Browser | str = BROWSER, rps: float = 50) -> dict[str, Way]:
    work = replace(WORK, rps=rps)
    offers = Advisor(PROFILE, TABLE, "us-east-1", GIVEN, p99_ms=WORK.p99_ms).offers(work)
    found = compare_ways(offers, work, PROFILE, US, GIVEN, audience=AUDIENCE, browser=browser)
    return {way.name: way for way in found}


def test_every_way_has_cost_latency_memory_privacy_and_update_time() -> None:
    ways = _ways()
    assert list(ways) == list(WAY_NAMES)
    for way in ways.values():
        assert way.monthly is not None
        assert all((way.cost_how, way.latency, way.memory, way.privacy, way.update))


def test_batch_costs_the_seconds_of_full_workers() -> None:
    records = 50 * SECONDS_A_MONTH
    seconds = records / PROFILE.batch_per_second
    assert _ways()["batch"].monthly == pytest.approx(seconds * 1769 / 1024 * US.lambda_gb_second)


def test_a_browser_costs_one_download_a_visitor() -> None:
    gigabytes = 50 * SECONDS_A_MONTH / 1000 * 0.02
    assert gigabytes < 10240
    assert _ways()["browser"].monthly == pytest.approx(gigabytes * 0.09)
    assert "median 5.00 ms" in _ways()["browser"].latency
    # Traffic does not change it on a device.
    assert _ways(rps=500)["device"].monthly == _ways()["device"].monthly == pytest.approx(50 * 0.16)


def test_a_browser_that_was_not_measured_says_why() -> None:
    way = _ways("there is no Node on the path")["browser"]
    assert way.monthly is None
    assert way.latency == "not measured: there is no Node on the path"


def test_a_gpu_that_cannot_be_told_is_not_known() -> None:
    work = replace(WORK, rps=5)
    profile = replace(PROFILE, multiply_adds=0)
    offers = Advisor(profile, TABLE, "us-east-1", GIVEN, p99_ms=100).offers(work)
    ways = compare_ways(offers, work, profile, US, GIVEN, audience=AUDIENCE, browser=BROWSER)
    assert ways[2].monthly is None
    assert ways[2].latency.startswith("not known")
