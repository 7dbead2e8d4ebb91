"""The six ways to use a version, side by side: three that serve, batch, a browser and a device.

Costs come from the offers and the price table, times from this machine; what neither can tell has its source.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from slipway.models.advice.bill import GB, tiered
from slipway.models.advice.light import processor_share
from slipway.models.advice.prices import RegionPrices
from slipway.models.advice.terms import OPTION_NAMES, Given, Offer, Option, Profile, Workload

WayName = Literal["light", "fargate", "gpu", "batch", "browser", "device"]
WAY_NAMES: dict[WayName, str] = {
    "light": OPTION_NAMES["light"],
    "fargate": OPTION_NAMES["fargate"],
    "gpu": OPTION_NAMES["gpu"],
    "batch": "batch",
    "browser": "browser",
    "device": "device",
}


@dataclass(frozen=True, slots=True)
class Browser:
    """The export for the web as measured in Node with onnxruntime-web, one thread; a MB is 10⁶ bytes."""

    median_ms: float
    load_ms: float
    memory_mb: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Way:
    """One way. ``monthly`` is in dollars, None if it cannot be told; the texts say what the figures are made of."""

    name: WayName
    monthly: float | None
    cost_how: str
    latency: str
    memory: str
    privacy: str
    update: str


@dataclass(frozen=True, slots=True)
class Audience:
    """Who uses an export: requests of one visitor to a page, who fetches it once, and the number of devices."""

    requests_per_visitor: float = 100.0
    devices: int = 100
    device_month: float = 0.16  # of an active core device: https://aws.amazon.com/greengrass/pricing/


def compare_ways(
    offers: Sequence[Offer],
    work: Workload,
    profile: Profile,
    prices: RegionPrices,
    given: Given,
    *,
    audience: Audience,
    browser: Browser | str,
) -> list[Way]:
    """The ways in the order of `WAY_NAMES`; ``browser`` is the measurement, or why there is none."""
    served = [_served(offer, profile, given) for offer in offers]
    return [
        *served,
        _batch(work, profile, prices, given),
        _in_browser(work, prices, audience, browser),
        _on_device(profile, audience),
    ]


_UPDATES: dict[Option, str] = {
    "light": "minutes: a deploy loads it, a release shifts traffic, a rollback takes a minute (releases.md)",
    "fargate": "minutes: tasks start, a release shifts traffic, a rollback takes a minute (releases.md)",
    "gpu": "minutes: an instance starts first, then as Fargate (releases.md)",
}
_AT_HOME = "records leave the user, and stay in your account"


def _served(offer: Offer, profile: Profile, given: Given) -> Way:
    memory = {
        "light": f"{profile.memory_mb:,.0f} MB measured; the function has {given.lambda_memory_mb:,} MB",
        "fargate": f"{profile.memory_mb:,.0f} MB measured for a process; {offer.size}",
        "gpu": f"{profile.memory_mb:,.0f} MB measured on CPUs; {offer.size}",
    }[offer.option]
    known = math.isfinite(offer.p99_ms)
    latency = f"p99 {offer.p99_ms:.1f} ms" if known else "not known: no GPU here, and nothing to estimate from"
    cost = "; ".join(offer.problems) or "its bill above"
    return Way(offer.option, offer.monthly if known else None, cost, latency, memory, _AT_HOME, _UPDATES[offer.option])


def _batch(work: Workload, profile: Profile, prices: RegionPrices, given: Given) -> Way:
    """Light workers at full load: only their seconds cost, beside S3 and Step Functions, which are left out."""
    rate = profile.batch_per_second * processor_share(given) / given.slowdown
    gigabytes = given.lambda_memory_mb / 1024
    monthly = work.requests / rate * gigabytes * prices.lambda_gb_second
    how = f"{work.requests:,.0f} records ÷ {rate:,.0f}/s × {gigabytes:.2f} GB; S3 and Step Functions left out"
    latency = f"minutes to hours, as scheduled; {rate:,.0f} records/s a worker"
    memory = f"{profile.memory_mb:,.0f} MB measured"
    return Way("batch", monthly, how, latency, memory, _AT_HOME, "the next job (batch.md)")


def _in_browser(work: Workload, prices: RegionPrices, audience: Audience, browser: Browser | str) -> Way:
    privacy, update = "records never leave the page", "the next visit; without a network, the kept copy (edge.md)"
    if isinstance(browser, str):
        return Way("browser", None, browser, f"not measured: {browser}", "not measured", privacy, update)
    visitors = work.requests / audience.requests_per_visitor
    sent = visitors * browser.size_bytes / GB
    how = (
        f"{visitors:,.0f} visitors × {browser.size_bytes / 1e6:.1f} MB, {audience.requests_per_visitor:g} requests each"
    )
    monthly = math.fsum(line.amount for line in tiered("Data transfer out", how, sent, "GB", prices.data_out_gb))
    latency = f"median {browser.median_ms:.2f} ms here in Node; {browser.load_ms:,.0f} ms to load, after the download"
    memory = f"{browser.memory_mb:,.0f} MB measured, Node included"
    return Way("browser", monthly, how, latency, memory, privacy, update)


def _on_device(profile: Profile, audience: Audience) -> Way:
    monthly = audience.devices * audience.device_month
    how = f"{audience.devices:,} devices × ${audience.device_month:g} of Greengrass; what they send home costs as light"
    latency = f"median {profile.median_ms:.2f} ms on this machine's processor, without a network"
    memory = f"{profile.memory_mb:,.0f} MB measured"
    privacy = "records stay on the device, but for the share that is sent home"
    return Way("device", monthly, how, latency, memory, privacy, "the next deployment that finds it online (edge.md)")
