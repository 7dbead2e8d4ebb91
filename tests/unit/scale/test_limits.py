"""The quotas are those that were read in AWS's documents, and say where."""

import pytest

from slipway.scale.limits import load_limits
from slipway.serving.prediction.live_releases import FRESH_SECONDS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_requests_per_second", 10_000),
        ("api_burst", 5_000),
        ("api_seconds", 30),
        ("lambda_concurrency", 1_000),
        ("lambda_ramp_environments", 1_000),
        ("lambda_ramp_seconds", 10),
        ("lambda_requests_per_environment", 10),
        ("lambda_bundle_mb", 250),
        ("fargate_burst", 100),
        ("fargate_tasks_per_second", 20),
        ("service_tasks_per_minute", 500),
        ("balancer_targets", 1_000),
        ("partition_reads", 3_000),
        ("partition_writes", 1_000),
        ("table_start_reads", 12_000),
        ("table_start_writes", 4_000),
        ("table_reads", 40_000),
        ("dependencies_mb", 92),
        ("capture_seconds", 32e-6),
        ("release_seconds", FRESH_SECONDS),
    ],
)
def test_quotas_and_measured_figures(name: str, value: float) -> None:
    assert load_limits()[name] == value


def test_every_quota_has_a_source_of_aws_and_the_file_a_date() -> None:
    limits = load_limits()
    assert limits.as_of.year >= 2026
    for limit in limits.known.values():
        assert limit.source.startswith("https://docs.aws.amazon.com/")


def test_only_what_aws_raises_is_raised() -> None:
    limits = load_limits().raised({"lambda_concurrency": 5_000})
    assert (limits["lambda_concurrency"], limits["partition_reads"]) == (5_000, 3_000)
    with pytest.raises(ValueError, match="nobody can raise partition_reads"):
        limits.raised({"partition_reads": 6_000})
