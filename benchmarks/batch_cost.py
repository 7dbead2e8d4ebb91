"""What a million rows cost in the workers of an account, by the processor time that they took here.

Assumed: a vCPU does as much as a processor here; a worker keeps its vCPUs busy, and starts anew for each shard. Left
out: the plan's pass over the input, S3's requests and storage, and what features and precomputed answers cost.
"""

from dataclasses import dataclass
from decimal import Decimal

from slipway.config.heavy import HeavyConfig
from slipway.cost.prices import Prices

FUNCTION_MB = 1769
"""The memory of the function `Score`, with which Lambda gives it one vCPU."""

FUNCTION_START, TASK_START = Decimal(1), Decimal(60)
"""Seconds that are paid before a worker scores: a function loads its code, and a task its image."""

TASK_LEAST = Decimal(60)
"""Seconds that Fargate bills at least."""

TRANSITION = Decimal("0.000025")
"""Of a standard workflow of Step Functions, by https://aws.amazon.com/step-functions/pricing/, in October 2025."""

_TRANSITIONS = 2  # of the child execution that has a shard
_MILLION = 1_000_000


@dataclass(frozen=True)
class Work:
    """Rows, the shards that they are cut into, and the seconds of one processor that they take."""

    rows: int
    shards: int
    processor: float


def in_functions(work: Work, prices: Prices) -> Decimal:
    """Dollars for a million rows that the function `Score` scores."""
    seconds = Decimal(work.processor) + FUNCTION_START * work.shards
    gigabytes = Decimal(FUNCTION_MB) / 1024
    calls = work.shards * prices["lambda_million_requests"] / _MILLION
    return _for_a_million(work, seconds * gigabytes * prices["lambda_gb_second"] + calls)


def in_tasks(work: Work, prices: Prices, size: HeavyConfig) -> Decimal:
    """Dollars for a million rows that tasks on Fargate score, each one shard."""
    vcpus, gigabytes = Decimal(str(size.cpu)), Decimal(size.memory_mb) / 1024
    hour = vcpus * prices["fargate_vcpu_hour"] + gigabytes * prices["fargate_gb_hour"]
    of_a_shard = max(TASK_LEAST, TASK_START + Decimal(work.processor) / work.shards / vcpus)
    return _for_a_million(work, of_a_shard * work.shards * hour / 3600)


def _for_a_million(work: Work, dollars: Decimal) -> Decimal:
    return (dollars + _TRANSITIONS * work.shards * TRANSITION) * _MILLION / work.rows
