"""The names and addresses of jobs, and how large their shards are."""

from datetime import UTC, datetime

import pytest

from slipway.batch.account.executions import Execution, reason_of
from slipway.batch.account.jobs import latest_of
from slipway.batch.account.places import Place
from slipway.batch.account.runs import Run, execution_name, job_of, new_job, number_of
from slipway.batch.account.sizing import shard_rows
from slipway.config import parse_config
from slipway.errors import InputError

NOW = datetime(2026, 11, 27, 22, 4, 55, tzinfo=UTC)


def test_a_job_is_known_by_the_name_of_each_of_its_runs() -> None:
    job = new_job("flight-delay", NOW)
    assert job.startswith("flight-delay-20261127-220455-")
    names = [execution_name(job, number) for number in (1, 2, 10)]
    assert [(job_of(name), number_of(name)) for name in names] == [(job, 1), (job, 2), (job, 10)]
    assert len(execution_name(new_job("m" * 48, NOW), 9999)) <= 80


def test_a_name_that_eventbridge_gave_is_a_job_of_its_own() -> None:
    name = "2f1c9f4e-aaaa-bbbb_e4d909c2-90d0"
    assert (job_of(name), number_of(name)) == (name, 1)


def test_what_an_address_leaves_open_is_the_day_of_the_start() -> None:
    run = Run(model="m", source="s3://in/{date}/", output="s3://out/{date}/")
    begun = run.begun(execution="e", started=NOW, bucket="jobs")
    assert (begun.job, begun.source, begun.output) == ("e", "s3://in/2026-11-27/", "s3://out/2026-11-27/")
    assert begun.begun(execution="f_2", started=datetime(2027, 1, 1, tzinfo=UTC), bucket="jobs") == begun


def test_without_an_output_there_is_a_place_in_the_bucket_of_jobs() -> None:
    assert Run(model="m", source="s3://in").begun(execution="j", started=NOW, bucket="b").output == "s3://b/jobs/j/"


@pytest.mark.parametrize(
    ("address", "bucket", "folder"),
    [("s3://abc", "abc", ""), ("s3://abc/", "abc", ""), ("s3://abc/x", "abc", "x/"), ("s3://abc/x/y/", "abc", "x/y/")],
)
def test_an_address_is_a_bucket_and_what_is_below(address: str, bucket: str, folder: str) -> None:
    place = Place.parse(address)
    assert (place.bucket, place.folder) == (bucket, folder)


@pytest.mark.parametrize("address", ["abc", "s3:/abc/x", "s3://A/x", "s3://a", "https://abc/x"])
def test_another_address_is_refused_by_name(address: str) -> None:
    with pytest.raises(InputError, match="INPUT"):
        Place.parse(address, field="INPUT")


@pytest.mark.parametrize(
    ("error", "cause", "said"),
    [
        (None, None, None),
        ("InputError", '{"errorMessage": "in.csv: has no column x", "errorType": "InputError"}', "has no column x"),
        ("States.Timeout", "Task timed out", "Task timed out"),
        ("States.Timeout", None, "States.Timeout"),
        ("Cancelled", "[1]", "[1]"),
    ],
)
def test_the_reason_is_that_of_the_step(error: str | None, cause: str | None, said: str | None) -> None:
    found = reason_of(error, cause)
    assert found == said or (said is not None and said in str(found))


def test_the_last_run_of_each_job_counts() -> None:
    runs = [Execution(f"arn:{name}", name, "FAILED", NOW, NOW) for name in ("b_3", "a", "b_2", "b")]
    assert {job: each.name for job, each in latest_of(runs).items()} == {"b": "b_3", "a": "a"}


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ("", 60_000),
        ("gates: {max_latency_ms: 12}", 10_000),
        ("tier: heavy", 15_000),
        ("tier: heavy, gates: {max_latency_ms: 600000}", 1),
    ],
)
def test_a_shard_is_as_large_as_the_latency_allows(settings: str, rows: int) -> None:
    config = parse_config(f"models: {{m: {{versions: [1], stable: 1, {settings}}}}}")
    assert shard_rows(config.models["m"]) == rows
