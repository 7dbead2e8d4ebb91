"""What the traffic costs in a month, by the price tables of `slipway cost` and `slipway model advise`."""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal

from slipway.cost.bill import HOURS_A_MONTH, Line
from slipway.cost.prices import Prices
from slipway.models.advice.bill import tiered
from slipway.models.advice.prices import RegionPrices, Tier
from slipway.scale.limits import Limits
from slipway.scale.services import tasks_needed
from slipway.scale.tables import TRANSACTION, read_units, write_units
from slipway.scale.workload import Workload

SECONDS_A_MONTH = HOURS_A_MONTH * 3600
_METERED_BYTES = 512 * 1024  # a longer request counts as several
_LCU_CONNECTIONS, _LCU_GB = 25.0, 1.0
# DynamoDB's write price on demand is five times the read price in every region of its list.
_WRITE_OVER_READ = 5
_PUTS_A_MILLION = Decimal("5.00")  # S3 standard, us-east-1; other regions of the table are within 10 %
_CAPTURE_MEMORY_GB = 0.5


def bill(work: Workload, mean_rps: float, prices: Prices, region: RegionPrices, limits: Limits) -> list[Line]:
    """The lines of a month at ``mean_rps`` requests a second on average; both price tables are of one region."""
    requests = mean_rps * SECONDS_A_MONTH
    chunks = math.ceil(work.payload / _METERED_BYTES)
    sent = requests * work.answer / 1e9
    return [
        *_tiered("HTTP API requests", requests * chunks / 1e6, "million", region.http_api_million_requests),
        *(_light(work, requests, prices) if work.tier == "light" else _heavy(work, mean_rps, prices, limits)),
        _line(
            "CloudWatch Logs",
            f"{work.log_bytes:,} B each, and captures",
            requests * (work.log_bytes + work.captured * work.capture_bytes) / 1e9,
            "GB",
            prices["logs_gb"],
        ),
        *_tiered("Data sent", sent, "GB", region.data_out_gb),
        *_tables(work, requests, prices),
        *_captures(work, requests, prices, limits),
    ]


def in_front(work: Workload, mean_rps: float, prices: Prices, limits: Limits) -> float:
    """What a load balancer in place of the HTTP API adds to the month; the heavy tier has one anyway."""
    if work.tier == "heavy":
        return 0.0
    return float(prices["load_balancer_hour"] * HOURS_A_MONTH + balancer(work, mean_rps, prices, limits).amount)


def balancer(work: Workload, mean_rps: float, prices: Prices, limits: Limits) -> Line:
    """The capacity of a load balancer that all requests pass."""
    units = capacity_units(work, mean_rps, limits)
    price = prices["lcu_hour"]
    return _line("Load balancer capacity", f"{units:,.1f} units", units * HOURS_A_MONTH, "LCU-h", price)


def capacity_units(work: Workload, rps: float, limits: Limits) -> float:
    """The load balancer's capacity units, by connections or bytes: https://aws.amazon.com/elasticloadbalancing/pricing/."""
    connections = rps / limits["requests_per_connection"] / _LCU_CONNECTIONS
    volume = rps * (work.payload + work.answer) * 3600 / 1e9 / _LCU_GB
    return max(connections, volume, 1.0)


def _light(work: Workload, requests: float, prices: Prices) -> Iterator[Line]:
    yield _line("Lambda requests", "", requests / 1e6, "million", prices["lambda_million_requests"])
    seconds = requests * work.seconds * work.memory_gb
    how = f"{work.seconds * 1000:g} ms × {work.memory_gb:.3f} GB"
    yield _line("Lambda duration", how, seconds, "GB-s", prices["lambda_gb_second"])


def _heavy(work: Workload, mean_rps: float, prices: Prices, limits: Limits) -> Iterator[Line]:
    tasks = max(tasks_needed(mean_rps / work.models, work.tasks), work.tasks.least) * work.models
    hours = tasks * HOURS_A_MONTH
    how = f"{tasks:,} tasks on average"
    yield _line("Fargate processors", how, hours * work.tasks.cpu, "vCPU-h", prices["fargate_vcpu_hour"])
    yield _line("Fargate memory", how, hours * work.tasks.memory_gb, "GB-h", prices["fargate_gb_hour"])
    yield balancer(work, mean_rps, prices, limits)


def _tables(work: Workload, requests: float, prices: Prices) -> Iterator[Line]:
    read, write = prices["dynamodb_million_reads"], prices["dynamodb_million_reads"] * _WRITE_OVER_READ
    if work.groups:
        units = requests * work.groups * read_units(work.group_bytes)
        yield _line("Features, read", f"{work.groups} groups each", units / 1e6, "million", read)
    if work.captured:
        captured = requests * work.captured
        units = captured * (write_units(1024) + work.labelled * 2 * TRANSACTION)
        yield _line("Captures that wait for labels, and labels", "", units / 1e6, "million", write)


def _captures(work: Workload, requests: float, prices: Prices, limits: Limits) -> Iterator[Line]:
    captured = requests * work.captured
    if not captured:
        return
    calls = captured * work.capture_bytes / limits["delivery_bytes"]
    yield _line("Capture files", "a file a call and model", calls * work.models / 1e6, "million", _PUTS_A_MILLION)
    seconds = calls * limits["delivery_seconds"] * _CAPTURE_MEMORY_GB
    yield _line("Function `capture`", f"{calls:,.0f} calls", seconds, "GB-s", prices["lambda_gb_second"])
    seconds = captured * limits["capture_seconds"] * 1769 / 1024
    yield _line("Function `monitor`", "", seconds, "GB-s", prices["lambda_gb_second"])


def _tiered(item: str, quantity: float, unit: str, tiers: Sequence[Tier]) -> list[Line]:
    return [
        _line(each.item, each.how, each.quantity, each.unit, Decimal(str(each.price)))
        for each in tiered(item, "list price", quantity, unit, tiers)
    ]


def _line(item: str, how: str, quantity: float, unit: str, price: Decimal) -> Line:
    return Line(item, 1, how, Decimal(str(round(quantity, 6))), unit, price)
