"""The lines that every bill shares: API requests, logs, data transfer, and the load balancer of the heavy tier."""

import math
from collections.abc import Sequence

from slipway.models.advice.prices import RegionPrices, Tier
from slipway.models.advice.terms import HOURS_A_MONTH, SECONDS_A_MONTH, Line, Workload

_METERED_BYTES = 512 * 1024
GB = 1e9
_LCU_CONNECTIONS = 25.0  # new connections per second
_LCU_GB = 1.0  # per hour


def api_lines(work: Workload, prices: RegionPrices, *, log_bytes: int) -> list[Line]:
    """HTTP API requests, log ingestion and data transfer out."""
    chunks = max(1, math.ceil(work.request_bytes / _METERED_BYTES))
    metered = f" × {chunks} (per 512 KB)" if chunks > 1 else ""
    calls = f"{work.rps:g}/s × {SECONDS_A_MONTH:,} s"
    return [
        *tiered(
            "HTTP API requests", calls + metered, work.requests * chunks / 1e6, "M", prices.http_api_million_requests
        ),
        Line(
            "CloudWatch Logs ingestion",
            f"requests × {log_bytes:,} B",
            work.requests * log_bytes / GB,
            "GB",
            prices.logs_gb,
        ),
        *tiered(
            "Data transfer out",
            f"requests × {work.response_bytes:,} B",
            work.requests * work.response_bytes / GB,
            "GB",
            prices.data_out_gb,
        ),
    ]


def tiered(item: str, how: str, quantity: float, unit: str, tiers: Sequence[Tier]) -> list[Line]:
    """One line per tier that the quantity reaches."""
    lines: list[Line] = []
    start = 0.0
    for tier in tiers:
        end = math.inf if tier.up_to is None else tier.up_to
        if quantity > start or not lines:
            part = f"{how}, from {start:,g} {unit}" if start else how
            lines.append(Line(item, part, min(quantity, end) - start, unit, tier.price))
        start = end
    return lines


def tier_rates(work: Workload, prices: RegionPrices) -> list[float]:
    """The requests per second at which a price tier of `api_lines` ends and the bill's slope changes."""
    chunks = max(1, math.ceil(work.request_bytes / _METERED_BYTES))
    calls = [tier.up_to * 1e6 / chunks for tier in prices.http_api_million_requests if tier.up_to is not None]
    sent = [tier.up_to * GB / work.response_bytes for tier in prices.data_out_gb if tier.up_to is not None]
    return [requests / SECONDS_A_MONTH for requests in (*calls, *sent)]


def balancer_lines(work: Workload, prices: RegionPrices, *, per_connection: int) -> list[Line]:
    """The hours and the capacity of the load balancer."""
    return [
        Line("Load balancer", f"1 × {HOURS_A_MONTH} h", HOURS_A_MONTH, "h", prices.load_balancer_hour),
        _capacity_line(work, prices, per_connection),
    ]


def endpoint_lines(work: Workload, prices: RegionPrices, *, endpoints: Sequence[str], zones: int) -> list[Line]:
    """The way from private subnets to AWS by interface endpoints."""
    return [
        Line(
            "VPC interface endpoints",
            f"{len(endpoints)} ({', '.join(endpoints)}) × {zones} zones × {HOURS_A_MONTH} h",
            len(endpoints) * zones * HOURS_A_MONTH,
            "h",
            prices.endpoint_hour,
        ),
        Line("VPC endpoint data", "the logs", work.requests * work.log_bytes / GB, "GB", prices.endpoint_gb),
    ]


def nat_lines(work: Workload, prices: RegionPrices, *, gateways: int) -> list[Line]:
    """The way from private subnets to AWS by NAT gateways, each with a public address."""
    hours, how = gateways * HOURS_A_MONTH, f"{gateways} × {HOURS_A_MONTH} h"
    return [
        Line("NAT gateways", how, hours, "h", prices.nat_gateway_hour),
        Line("Public addresses", how, hours, "h", prices.public_address_hour),
        Line("NAT gateway data", "the logs", work.requests * work.log_bytes / GB, "GB", prices.nat_gateway_gb),
    ]


def _capacity_line(work: Workload, prices: RegionPrices, per_connection: int) -> Line:
    """The load balancer's capacity units: the larger of connections and bytes; the first ten rules are free."""
    connections = work.rps / per_connection / _LCU_CONNECTIONS
    data = work.rps * 3600 * (work.request_bytes + work.response_bytes) / GB / _LCU_GB
    if connections >= data:
        how = f"{work.rps:g}/s ÷ {per_connection} per connection ÷ {_LCU_CONNECTIONS:g}/s"
    else:
        how = f"{work.rps:g}/s × 3,600 s × {work.request_bytes + work.response_bytes:,} B ÷ {_LCU_GB:g} GB"
    units = max(connections, data)
    return Line("Load balancer capacity", f"{how} × {HOURS_A_MONTH} h", units * HOURS_A_MONTH, "LCU-h", prices.lcu_hour)
