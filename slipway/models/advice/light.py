"""The light tier's offer: Lambda on arm64 behind an HTTP API."""

import math

from slipway.models.advice.bill import api_lines
from slipway.models.advice.prices import RegionPrices
from slipway.models.advice.terms import SECONDS_A_MONTH, Given, Line, Offer, Profile, Workload

WHOLE_PROCESSOR_MB = 1769  # the memory size at which a function has one full vCPU, by AWS's documentation
_UNZIPPED_LIMIT_MB = 250
_DEPENDENCIES_MB = 92
_CONCURRENCY = 1000  # the default quota of an account


def light_offer(work: Workload, profile: Profile, prices: RegionPrices, given: Given) -> Offer:
    """The offer of Lambda, which is billed per request and costs nothing at zero traffic."""
    share = processor_share(given)
    milliseconds = (profile.mean_ms * given.slowdown + given.lambda_overhead_ms) / share
    billed = math.ceil(milliseconds)
    p99, how = _p99(work, profile, given)
    gigabytes = given.lambda_memory_mb / 1024
    duration = (
        f"requests × {billed} ms × {given.lambda_memory_mb}/1024 GB; ({profile.mean_ms:.3f} ms × {given.slowdown:g} + "
        f"{given.lambda_overhead_ms:g} ms) ÷ {share:.3f} processor, in whole ms"
    )
    calls = f"{work.rps:g}/s × {SECONDS_A_MONTH:,} s"
    lines = [
        Line("Lambda requests", calls, work.requests / 1e6, "M", prices.lambda_million_requests),
        Line("Lambda duration", duration, work.requests * billed / 1000 * gigabytes, "GB-s", prices.lambda_gb_second),
        *api_lines(work, prices, log_bytes=work.log_bytes + given.lambda_log_bytes),
    ]
    return Offer(
        option="light",
        size=f"{given.lambda_memory_mb} MB, arm64",
        lines=tuple(lines),
        p99_ms=p99,
        p99_how=how,
        p99_target_ms=work.p99_ms,
        problems=_problems(profile, given),
        notes=_notes(work, milliseconds),
    )


def processor_share(given: Given) -> float:
    """The share of one processor that the function's memory size gives it; a prediction uses one thread."""
    return min(1.0, given.lambda_memory_mb / WHOLE_PROCESSOR_MB)


def cold_rate(given: Given) -> float:
    """The rate below which over 1 % of requests meet a cold start, in requests per second: exp(-rate × idle) = 0.01."""
    return math.log(100) / given.idle_seconds


def _p99(work: Workload, profile: Profile, given: Given) -> tuple[float, str]:
    if work.rps < cold_rate(given):
        reason = f"cold start: over 1 % of gaps exceed {given.idle_seconds:g} s"
        return given.cold_start_ms + given.front_ms, f"{given.cold_start_ms:g} ({reason}) + {given.front_ms:g}"
    share = processor_share(given)
    milliseconds = (profile.p99_ms * given.slowdown + given.lambda_overhead_ms) / share
    how = (
        f"({profile.p99_ms:.3f} × {given.slowdown:g} + {given.lambda_overhead_ms:g}) ÷ {share:.3f} + {given.front_ms:g}"
    )
    return milliseconds + given.front_ms, how


def _problems(profile: Profile, given: Given) -> tuple[str, ...]:
    found = []
    needed = profile.memory_mb + given.lambda_base_mb
    if needed > given.lambda_memory_mb:
        found.append(f"needs {needed:,.0f} MB of memory, the function has {given.lambda_memory_mb:,} MB")
    room = _UNZIPPED_LIMIT_MB - _DEPENDENCIES_MB
    if profile.size_bytes > room * 1e6:
        found.append(f"the package has {profile.size_bytes / 1e6:,.0f} MB; a function's bundle has room for {room} MB")
    return tuple(found)


def _notes(work: Workload, milliseconds: float) -> tuple[str, ...]:
    busy = work.rps * milliseconds / 1000
    if busy > _CONCURRENCY:
        return (f"{busy:,.0f} at once: above the default quota of {_CONCURRENCY:,} concurrent executions",)
    return ()
